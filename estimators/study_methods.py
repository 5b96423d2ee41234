"""The methods of a definition: what each reads (`shape`), whose effect it estimates (`estimands`), and its options."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from estimators.definition_parts import Identifier, Part
from estimators.study_parts import Shape

NumberOfBins = Annotated[int, Field(ge=1, le=1000)]


class MethodPart(Part):
    """A method by its name. `takes_doses`: it can estimate the effect of one unit more of a continuous treatment."""

    shape: ClassVar[Shape] = "cross_section"
    estimands: ClassVar[tuple[str, ...]] = ("ATT",)
    takes_doses: ClassVar[bool] = False
    needs_confounders: ClassVar[bool] = False

    def options(self) -> dict[str, Any]:
        """Every option with its value, defaults too, but for those left open (null): keywords of the estimator."""
        return {k: v for k, v in self.model_dump().items() if k != "name" and v is not None}


class Difference(MethodPart):
    """Difference in means; `adjust`: Lin-adjusted for the confounders."""

    estimands: ClassVar = ("ATT", "ATE", "ATO", "ATC")
    needs_confounders: ClassVar = True
    name: Literal["difference"]
    adjust: bool = False


class Cem(MethodPart):
    """Coarsened exact matching: bins for numeric confounders, cutpoints by confounder, confounders matched exactly."""

    estimands: ClassVar = ("ATT", "ATE", "ATC")
    needs_confounders: ClassVar = True
    name: Literal["cem"]
    bins: Literal["sturges", "cem-sturges", "scott", "fd", "quantiles"] | NumberOfBins = "sturges"
    cutpoints: dict[Identifier, list[float]] = Field(default_factory=dict)
    exact: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()


class Aipw(MethodPart):
    """Doubly robust. An `outcome_model` that is not given follows the kind of the outcome."""

    estimands: ClassVar = ("ATT", "ATE", "ATO")
    needs_confounders: ClassVar = True
    name: Literal["aipw"]
    folds: Annotated[int, Field(ge=1, le=100)] = 5
    propensity_model: Literal["logistic", "probit", "boosting"] = "logistic"
    outcome_model: Literal["linear", "logistic", "boosting"] | None = None
    clip: Literal["relative"] | Annotated[float, Field(ge=0, lt=0.5)] = "relative"
    repetitions: Annotated[int, Field(ge=1, le=1000)] | None = None


class Iv(MethodPart):
    """Instrumental variables: two-stage least squares or LIML; clustered where the study names a cluster."""

    estimands: ClassVar = ("LATE",)
    takes_doses: ClassVar = True
    name: Literal["iv"]
    estimator: Literal["2sls", "liml"] = "2sls"
    cov: Literal["robust", "unadjusted"] = "robust"


class Panel(MethodPart):
    """Least squares with fixed effects; standard errors clustered by the study's cluster, else by unit."""

    shape: ClassVar = "panel"
    estimands: ClassVar = ("ATT", "ATE")
    takes_doses: ClassVar = True
    name: Literal["panel"]
    effects: Annotated[tuple[Literal["unit", "time"], ...], Field(strict=False, max_length=2)] = ("unit", "time")
    cov: Literal["cluster", "robust", "unadjusted"] = "cluster"


class Did(MethodPart):
    """Difference in differences after Callaway and Sant'Anna. bootstrap: draws of the uniform bands; 0 is analytic."""

    shape: ClassVar = "panel"
    name: Literal["did"]
    control: Literal["never", "not_yet"] = "never"
    method: Literal["dr", "reg", "ipw"] = "dr"
    aggregate: Literal["group", "simple", "dynamic", "calendar"] = "group"
    base_period: Literal["varying", "universal"] = "varying"
    bootstrap: Annotated[int, Field(ge=0, le=100_000)] = 0


class Bsts(MethodPart):
    """Bayesian structural time series. season: number of periods after which it repeats, e.g. 7 for days."""

    shape: ClassVar = "series"
    name: Literal["bsts"]
    season: Annotated[int, Field(ge=2, le=366)] | None = None
    n_chains: Annotated[int, Field(ge=1, le=64)] = 4
    n_draws: Annotated[int, Field(ge=100, le=100_000)] = 1000
    engine: Literal["gibbs", "tfcausalimpact"] = "gibbs"


class SyntheticControl(MethodPart):
    """Synthetic control: a weighted mean of the control series; demeaned: of their movements around their own means."""

    shape: ClassVar = "series"
    name: Literal["synthetic_control"]
    demeaned: bool = False


METHODS: tuple[type[MethodPart], ...] = (Difference, Cem, Aipw, Iv, Panel, Did, Bsts, SyntheticControl)
BY_NAME: dict[str, type[MethodPart]] = {m.model_fields["name"].annotation.__args__[0]: m for m in METHODS}
ESTIMANDS_OF_METHOD = {name: method.estimands for name, method in BY_NAME.items()}

Method = Annotated[
    Difference | Cem | Aipw | Iv | Panel | Did | Bsts | SyntheticControl,
    Field(discriminator="name"),
]


def _shorthand(item: Any) -> Any:
    return {"name": item} if isinstance(item, str) else item


NamedMethod = Annotated[Method, BeforeValidator(_shorthand, json_schema_input_type=str | Method)]
