# Writes reference.csv beside this file: the empirical null that R's EmpiricalCalibration fits to its own data, its
# expected absolute systematic error, and calibrated p-values and intervals.
# Rscript tests/data/empirical_calibration/reference.R   (R 4.2.2)
# The likelihood and the formulas are those of EmpiricalCalibration 3.1.4 (logLikelihoodNull, calibrateP,
# computeExpectedAbsoluteSystematicError, calibrateConfidenceInterval of convertNullToErrorModel); its optim() stops
# at a relative 1e-8 of the likelihood, here the same search runs on until 1e-16.
folder <- "tests/data/empirical_calibration"

likelihood <- function(theta, x, se) {
  if (theta[2] <= 0) return(Inf)
  -sum(dnorm(x, theta[1], sqrt(se^2 + 1 / theta[2]), log = TRUE))
}

one <- function(name) {
  data <- read.csv(file.path(folder, paste0(name, ".csv")))
  negative <- data[data$groundTruth == 0, ]
  positive <- data[data$groundTruth == 1, ][1, ]
  fit <- list(par = c(0, 1))
  for (i in 1:50) {
    fit <- optim(fit$par, likelihood, x = negative$logRr, se = negative$seLogRr,
                 control = list(reltol = 1e-16, maxit = 10000))
  }
  mean <- fit$par[1]
  sd <- 1 / sqrt(fit$par[2])
  total <- sqrt(sd^2 + positive$seLogRr^2)
  integral <- function(x) mean * pnorm(x, mean, sd) - 1 - sd^2 * dnorm(x, mean, sd)
  data.frame(
    data = name, mean = mean, sd = sd,
    ease = integral(Inf) - 2 * integral(0) + integral(-Inf),
    estimate = positive$logRr, std_error = positive$seLogRr,
    p_value = 2 * min(pnorm((mean - positive$logRr) / total), pnorm((positive$logRr - mean) / total)),
    ci_lower = positive$logRr - mean + qnorm(0.025) * total,
    ci_upper = positive$logRr - mean + qnorm(0.975) * total
  )
}

found <- do.call(rbind, lapply(c("sccs", "cohortMethod"), one))
write.csv(format(found, digits = 15), file.path(folder, "reference.csv"), row.names = FALSE, quote = FALSE)
