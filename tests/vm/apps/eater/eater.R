# Answers every request; one for /eat makes it want more memory than it may have.
port <- as.integer(commandArgs(trailingOnly = TRUE)[[1]])
eaten <- list()
httpuv::runServer("127.0.0.1", port, list(call = function(request) {
  if (startsWith(request$PATH_INFO, "/eat")) {
    for (turn in seq_len(64)) eaten[[turn]] <<- rep(turn, 2e6)
  }
  list(status = 200L, headers = list("Content-Type" = "text/plain"), body = "well fed\n")
}))
