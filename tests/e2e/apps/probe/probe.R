# Carries out the R code that is posted to it and answers with what that prints; sends every
# WebSocket message back. The first argument is the port to listen on, or the path of a unix socket.

answer <- function(status, text) {
  list(status = status, headers = list("Content-Type" = "text/plain; charset=utf-8"), body = text)
}

carry_out <- function(code) {
  tryCatch(
    answer(200L, paste(capture.output(eval(parse(text = code), globalenv())), collapse = "\n")),
    error = function(problem) answer(422L, conditionMessage(problem))
  )
}

app <- list(
  call = function(request) {
    if (request$REQUEST_METHOD != "POST") return(answer(200L, "ready"))
    carry_out(rawToChar(request$rook.input$read()))
  },
  onWSOpen = function(socket) {
    socket$onMessage(function(binary, message) socket$send(message))
  }
)

place <- commandArgs(trailingOnly = TRUE)[[1]]
if (startsWith(place, "/")) {
  httpuv::startPipeServer(place, 63L, app)
  httpuv::service(0)
} else {
  httpuv::runServer("127.0.0.1", as.integer(place), app)
}
