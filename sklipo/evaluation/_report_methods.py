"""How shares were estimated, in two sentences for a paper, and whom to cite."""

from ._report_texts import count_of, level_of

_FORMAN = (
    'G. Forman, "Quantifying counts and costs via classification", Data Mining and '
    "Knowledge Discovery 17, 164-206, 2008."
)
_ROGAN = (
    'W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a screening '
    'test", American Journal of Epidemiology 107, 71-76, 1978.'
)
_SAERENS = (
    'M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a '
    'classifier to new a priori probabilities", Neural Computation 14, 21-41, 2002.'
)
_ALEXANDARI = (
    "A. M. Alexandari, A. Kundaje and A. Shrikumar, "
    '"Maximum likelihood with bias-corrected calibration is hard-to-beat at label '
    'shift adaptation", ICML 2020.'
)
_TENENBEIN = (
    'A. Tenenbein, "A double sampling scheme for estimating from binomial data with '
    'misclassifications", Journal of the American Statistical Association 65, '
    "1350-1361, 1970."
)
_ANGELOPOULOS = (
    'A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++: Efficient '
    'prediction-powered inference", arXiv:2311.01453, 2023.'
)
_RUBIN = 'D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 130-134, 1981.'
_INTERVALS = (
    "Intervals ({level}) are percentiles over {n_draws} resamples of %s by a Bayesian "
    "bootstrap, made wider by Student's t where these are few"
)
_OF_NEW = _INTERVALS % "the {new_units}"
_OF_BOTH = _INTERVALS % "the labeled {labeled_units} and of the new {new_units}"
# By method: how the share was found, how its interval was found, the references.
_METHODS = {
    "counted": (
        "The share of each class is its share of the predictions for {new}, not "
        "corrected for the errors of the classifier.",
        f"{_OF_NEW} [1].",
        [_RUBIN],
    ),
    "adjusted": (
        "The shares of the classes among {new} are those that make the predictions of "
        "the classifier most likely, given its confusion matrix by cross-validation on "
        "{labeled} [1, 2].",
        f"{_OF_BOTH} [3].",
        [_FORMAN, _ROGAN, _RUBIN],
    ),
    "em": (
        "The shares of the classes among {new} are those that make the class "
        "probabilities predicted by the classifier most likely, by expectation "
        "maximization, after calibration by cross-validation on {labeled} with a "
        "temperature, an offset of each class and a part of particles whose "
        "predictions say nothing [1, 2].",
        f"{_OF_BOTH} [3].",
        [_SAERENS, _ALEXANDARI, _RUBIN],
    ),
    "audited": (
        "Of {new}, {labeled} were drawn at random and labeled by an expert; the "
        "share of a class is its share of these labels in each predicted class, "
        "weighted by the inverse of their probability to be drawn, averaged over the "
        "predicted classes by their shares of all predictions (poststratified "
        "prediction-powered inference) [1, 2].",
        f"{_OF_NEW} [3].",
        [_TENENBEIN, _ANGELOPOULOS, _RUBIN],
    ),
}


def describe_method(estimates):
    """Return the sentences, as one text, and the references in their order."""
    first = next(iter(estimates.values()))
    share, interval, references = _METHODS[first.method]
    facts = {
        "new": count_new(estimates),
        "labeled": _count_labeled(estimates, first.method),
        "level": level_of(first),
        "n_draws": f"{len(first.draws):,}",
        "new_units": _units(first.n_groups),
        "labeled_units": _units(first.n_labeled_groups),
    }
    return f"{share} {interval}".format_map(facts), references


def count_new(estimates):
    """Return the numbers of new particles, micrographs and samples in words."""
    count = count_of(
        _sum_known(estimate.n_particles for estimate in estimates.values()),
        _sum_known(estimate.n_groups for estimate in estimates.values()),
    )
    if len(estimates) == 1:
        return count
    return f"{count} in {len(estimates)} samples"


def _count_labeled(estimates, method):
    """Return the numbers of labeled particles and micrographs in words."""
    if method == "counted":
        return ""
    estimates = list(estimates.values())
    # One result serves all samples, but each sample has an audit of its own.
    parts = estimates if method == "audited" else estimates[:1]
    return count_of(
        _sum_known(part.n_labeled for part in parts),
        _sum_known(part.n_labeled_groups for part in parts),
    )


def _sum_known(numbers):
    """Return the sum of numbers, None if one is unknown."""
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def _units(n_groups):
    """Return what was resampled."""
    return "particles" if n_groups is None else "micrographs"
