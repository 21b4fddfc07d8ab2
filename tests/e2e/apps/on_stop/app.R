library(shiny)

# `/out` is a mount: what is written there outlives the worker.
onStop(function() writeLines("the handler has run", "/out/stopped"))

shinyApp(
  fluidPage(textOutput("greeting")),
  function(input, output) output$greeting <- renderText("Hello!")
)
