# MatchIt's coarsened exact matching on the columns that benchmarks.data.columns_for_r wrote, and the matched difference.
suppressPackageStartupMessages(library(MatchIt))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
n <- as.integer(arguments[2])
number <- function(name) readBin(file.path(folder, name), "double", n)
code <- function(name, n_levels) {
  values <- readBin(file.path(folder, name), "integer", n) + 1L
  structure(values, levels = as.character(seq_len(n_levels)), class = "factor")
}
data <- data.frame(
  treatment = readBin(file.path(folder, "treatment"), "integer", n), outcome = number("outcome_a"),
  x0 = number("x0"), x1 = number("x1"), region = code("region", 3), plan = code("plan", 5)
)
cuts <- c(-1.5, -0.5, 0.5, 1.5)
started <- proc.time()[["elapsed"]]
matched <- matchit(
  treatment ~ x0 + x1 + region + plan, data = data, method = "cem", estimand = "ATT", cutpoints = list(x0 = cuts, x1 = cuts)
)
treated <- data$treatment == 1
estimate <- weighted.mean(data$outcome[treated], matched$weights[treated]) -
  weighted.mean(data$outcome[!treated], matched$weights[!treated])
seconds <- proc.time()[["elapsed"]] - started
cat(sprintf(
  '{"fit_seconds": %.3f, "estimate": %.12f, "n_units": %d, "version": "%s"}\n',
  seconds, estimate, sum(matched$weights > 0), packageVersion("MatchIt")
))
