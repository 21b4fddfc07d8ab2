# What R itself offers to who tries to break out. Prints lines as the probe in C does: name, verdict
# and evidence, with tabs between.

lines <- strsplit(readLines(commandArgs(TRUE)[[1]]), "=", fixed = TRUE)
targets <- setNames(
  vapply(lines, function(line) paste(line[-1], collapse = "="), ""),
  vapply(lines, `[[`, "", 1)
)
target <- function(name) targets[[name]]
here <- function(...) file.path(target("scratch"), ...)

# An attempt gives its evidence, or NULL when nothing came of it.
attempt <- function(name, code) {
  evidence <- tryCatch(suppressWarnings(code), error = function(error) {
    structure(list(text = conditionMessage(error)), class = "refusal")
  })
  refused <- inherits(evidence, "refusal")
  verdict <- if (refused || is.null(evidence)) "closed" else "open"
  text <- if (refused) evidence$text else paste(c(evidence, ""), collapse = " ")
  cat(name, verdict, gsub("[^ -~]+", " ", text), sep = "\t")
  cat("\n")
}

secret_in <- function(text) {
  if (any(grepl(target("secret"), text, fixed = TRUE))) "found the secret"
}
proof <- function(worked, text) if (isTRUE(worked)) text
tcp <- function(host, port) {
  socket <- socketConnection(host, as.integer(port), open = "r", blocking = TRUE, timeout = 2)
  on.exit(close(socket))
  answer <- readLines(socket)
  if (length(answer) > 0) answer
}

cat("# R\n")
attempt("r_read_file", secret_in(readLines(target("world_readable_file"))))
attempt("r_read_link", {
  file.symlink(target("other_app_file"), here("r-link"))
  secret_in(readLines(here("r-link")))
})
attempt("r_list_root", {
  proof(length(list.files("/root", all.files = TRUE, no.. = TRUE)) > 0, "listed /root")
})
attempt("r_environment", secret_in(Sys.getenv()))
attempt("r_shell", proof(system("cat /etc/shadow", ignore.stderr = TRUE) == 0, "/etc/shadow"))
attempt("r_write_app", {
  path <- file.path(target("app"), "r-file")
  made <- file.create(path)
  unlink(path)
  proof(made, "made a file in the app")
})
attempt("r_write_library", {
  path <- file.path(.Library, "r-file")
  made <- file.create(path)
  unlink(path)
  proof(made, "made a file in the library")
})
attempt("r_chmod_app", {
  proof(Sys.chmod(file.path(target("app"), "plain"), "0644"), "changed its mode")
})
attempt("r_neighbour", tcp("127.0.0.1", target("neighbour_port")))
attempt("r_server", tcp("127.0.0.1", target("server_port")))
attempt("r_metadata", readLines(url("http://169.254.169.254/")))
attempt("r_download", {
  code <- download.file("http://169.254.169.254/", here("r-file"), quiet = TRUE)
  proof(code == 0, "downloaded from the metadata service")
})
attempt("r_internet", readLines(url("http://203.0.113.80/")))
attempt("r_signal", {
  proof(tools::pskill(as.integer(target("server_pid")), 0L), "signalled the server")
})
attempt("r_nice", proof(identical(tools::psnice(value = -20L), 0L) && tools::psnice() < 0, "niced"))
attempt("r_load_library", {
  file.copy(file.path(target("app"), "preload.so"), here("library.so"), overwrite = TRUE)
  proof(is.list(unclass(dyn.load(here("library.so")))), "loaded a library of its own")
})
