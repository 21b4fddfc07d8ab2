library(shiny)

# Drawn when the worker starts: two pages that show the same token come from the same worker.
token <- paste(sample(c(letters, 0:9), 20, replace = TRUE), collapse = "")

ui <- fluidPage(
  tags$p(id = "token", token),
  textInput("name", "Name", "nobody"),
  textOutput("greeting")
)

server <- function(input, output, session) {
  output$greeting <- renderText(paste0("Hello, ", input$name, "!"))
}

shinyApp(ui, server)
