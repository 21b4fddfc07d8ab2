/** The app that `serve --demo` serves: it needs nothing but shiny, and shows where it runs. */
export const DEMO_APP_R: string = String.raw`library(shiny)

ui <- fluidPage(
  title = "blockyard demo",
  tags$h1("It runs"),
  tags$p(
    "This is a Shiny app in a sandbox of its own. Move the slider: the plot is drawn by R, on the",
    "other side of the sandbox's wall."
  ),
  sidebarLayout(
    sidebarPanel(
      sliderInput("n", "Number of points", min = 10, max = 1000, value = 200),
      selectInput("shape", "Distribution", c("normal", "uniform", "exponential"))
    ),
    mainPanel(plotOutput("plot"), tags$h2("What R sees"), tableOutput("facts"))
  )
)

server <- function(input, output, session) {
  output$plot <- renderPlot({
    draw <- switch(input$shape, normal = rnorm, uniform = runif, exponential = rexp)
    hist(draw(input$n), breaks = 30, col = "#447099", border = "white",
         main = paste(input$n, "points"), xlab = "value")
  })
  output$facts <- renderTable({
    data.frame(
      what = c("R", "user", "process", "host name", "files at /", "processes"),
      value = c(
        R.version.string,
        Sys.info()[["user"]],
        as.character(Sys.getpid()),
        Sys.info()[["nodename"]],
        paste(list.files("/"), collapse = " "),
        as.character(length(grep("^[0-9]+$", list.files("/proc"))))
      )
    )
  })
}

shinyApp(ui, server)
`;
