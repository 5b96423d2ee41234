# Writes reference.csv beside this file: what R's MatchIt, lm and sandwich give for coarsened exact matching.
# Rscript tests/data/matchit/reference.R   (R 4.2.2, MatchIt 4.5.1, sandwich 3.0-2)
library(MatchIt)

data(lalonde)
psid <- read.csv("tests/data/nsw_dw_psid1.csv")
lalonde_formula <- treat ~ age + educ + race + married + nodegree + re74 + re75
psid_formula <- treat ~ age + education + black + hispanic + married + nodegree + re74 + re75
lalonde_cuts <- list(age = c(19.5, 24.5, 29.5, 39.5), educ = c(8.5, 11.5, 12.5),
                     re74 = c(.5, 5000.5, 10000.5), re75 = c(.5, 5000.5, 10000.5))
psid_cuts <- list(age = c(19.5, 24.5, 29.5, 34.5, 44.5), education = c(8.5, 11.5, 12.5),
                  re74 = c(.5, 2500.5, 5000.5, 10000.5, 15000.5), re75 = c(.5, 2500.5, 5000.5, 10000.5, 15000.5))

one <- function(name, formula, data, rule, cuts, estimand) {
  m <- matchit(formula, data = data, method = "cem", cutpoints = cuts, estimand = estimand)
  md <- match.data(m)
  fit <- lm(re78 ~ treat, data = md, weights = weights)
  se <- function(type) sqrt(sandwich::vcovHC(fit, type)[2, 2])
  s <- summary(m, un = TRUE)
  smd <- function(table) { v <- table[, "Std. Mean Diff."]; max(abs(v[names(v) != "distance"])) }
  data.frame(data = name, rule = rule, estimand = estimand,
             n_treated = sum(md$treat == 1), n_control = sum(md$treat == 0), n_strata = nlevels(m$subclass),
             estimate = coef(fit)[[2]], hc1 = se("HC1"), hc2 = se("HC2"), hc3 = se("HC3"),
             crv1_by_stratum = sqrt(sandwich::vcovCL(fit, ~subclass)[2, 2]),
             ess_treated = s$nn["Matched (ESS)", "Treated"], ess_control = s$nn["Matched (ESS)", "Control"],
             largest_weight = max(md$weights), smd_before = smd(s$sum.all), smd_after = smd(s$sum.matched))
}

rows <- list()
for (estimand in c("ATT", "ATE", "ATC")) {
  for (rule in c("cutpoints", "sturges", "scott", "fd", "q5", "7")) {
    pick <- function(cuts) if (rule == "cutpoints") cuts else if (rule == "7") 7 else rule
    spread <- function(cuts, numbers) if (rule == "cutpoints") cuts else setNames(rep(list(pick(NULL)), length(numbers)), numbers)
    rows[[length(rows) + 1]] <- one("lalonde", lalonde_formula, lalonde, rule,
      spread(lalonde_cuts, c("age", "educ", "married", "nodegree", "re74", "re75")), estimand)
    rows[[length(rows) + 1]] <- one("nsw_psid", psid_formula, psid, rule,
      spread(psid_cuts, c("age", "education", "black", "hispanic", "married", "nodegree", "re74", "re75")), estimand)
  }
}
options(digits = 15)
write.csv(do.call(rbind, rows), "tests/data/matchit/reference.csv", row.names = FALSE)
