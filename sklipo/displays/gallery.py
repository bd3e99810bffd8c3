"""Galleries of particles: of each class, mistaken, uncertain, wrongly labeled."""

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted

from ..particles import check_particles
from ..particles._labels import check_labels, find_classes
from ._axes import PanelDisplay, grid_shape, plain_text
from ._by_name import named_results, only_one
from ._parameters import COUNT, NUMBER, check_numbers, draws
from ._particle_images import caption, draw_particle, gallery_size
from ._probabilities import predict_with_classes
from ._selection import (
    check_predictions,
    check_same_rows,
    draw_each_class,
    most_suspicious,
    select_rows,
)

_SELECTIONS = {"mistakes", "confident", "uncertain", "class"}
_CONSTRAINTS = {
    "select": [StrOptions(_SELECTIONS), None],
    "n_particles": [COUNT, None],
    "random_state": ["random_state"],
}
_OF_RESULT = {**_CONSTRAINTS, "select": [StrOptions({*_SELECTIONS, "suspicious"})]}


class ParticleGalleryDisplay(PanelDisplay):
    """Particles with their classes, as a gallery.

    It is recommended to use :meth:`from_particles`, :meth:`from_predictions`,
    :meth:`from_estimator` or :meth:`from_cv_results`, which select particles.

    Parameters
    ----------
    particles : particle table, list of 2-D arrays or array
        The particles to show, in order.
    y_true : array-like of shape (n_samples,) or None
        True class of each; None if it is unknown.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted class of each.
    confidence : array-like of shape (n_samples,), default=None
        Probability of the predicted class.
    rows : "class" or None, default=None
        "class" begins a new row with each true class, or predicted class where the
        true ones are unknown; None fills a grid.
    title : str, default=""
        Description of the particles.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first particle.
    axes_ : ndarray of matplotlib Axes
        One for each particle, in order.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ConfusionMatricesDisplay : How many particles are mistaken for which class.
    sklipo.CropToMask : Cuts away the surrounding of particles.

    Notes
    -----
    Each particle has a gray scale of its own, from the 0.5th to the 99.5th percentile
    of its pixels, and a magnification of its own: brightness and size compare within a
    particle, not between particles. ``plot(vmin=..., vmax=...)`` gives all particles
    one gray scale; scale bars show their sizes.

    Examples
    --------
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.displays import ParticleGalleryDisplay
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> display = ParticleGalleryDisplay.from_particles(
    ...     particles, particles["label"], n_particles=4
    ... )
    >>> display.axes_.shape
    (12,)
    """

    @validate_params(
        {"rows": [StrOptions({"class"}), None], "title": [str]},
        prefer_skip_nested_validation=False,
    )
    def __init__(
        self, particles, y_true, *, y_pred=None, confidence=None, rows=None, title=""
    ):
        # A gallery of mistakes may be empty: nothing was mistaken.
        if not getattr(particles, "empty", False):
            particles = check_particles(particles)
            n_samples = len(particles)
            if y_true is not None or y_pred is None:
                y_true = check_labels(y_true, n_samples, name="y_true")
            if y_pred is not None:
                y_pred = check_labels(y_pred, n_samples, name="y_pred")
            if confidence is not None:
                confidence = check_numbers(confidence, (n_samples,), "confidence")
        self.particles = particles
        self.y_true = y_true
        self.y_pred = y_pred
        self.confidence = confidence
        self.rows = rows
        self.title = title
        self._row_names = y_pred if y_true is None else y_true

    @classmethod
    @validate_params(
        {"n_particles": [COUNT], "random_state": ["random_state"]},
        prefer_skip_nested_validation=False,
    )
    def from_particles(
        cls,
        particles,
        y,
        *,
        n_particles=6,
        classes=None,
        random_state=None,
        **plot_params,
    ):
        """Show particles of each class, drawn at random.

        Parameters
        ----------
        particles : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.
        y : array-like of shape (n_samples,)
            Class of each particle.
        n_particles : int, default=6
            Number of particles of each class; all if there are fewer.
        classes : array-like, default=None
            The classes in order; by default all that occur, sorted.
        random_state : int, RandomState instance or None, default=None
            Seed of the draw.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ParticleGalleryDisplay
            The display, drawn.
        """
        particles = check_particles(particles)
        y = check_labels(y, len(particles))
        classes = find_classes(y, classes=classes)
        chosen = draw_each_class(y, classes, n_particles, random_state)
        display = cls(particles.iloc[chosen], y[chosen], rows="class")
        return display.plot(**plot_params)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_predictions(
        cls,
        particles,
        y_true,
        y_pred,
        *,
        y_proba=None,
        select=None,
        n_particles=None,
        classes=None,
        random_state=None,
        **plot_params,
    ):
        """Show particles with their predicted classes.

        Parameters
        ----------
        particles : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.
        y_true : array-like of shape (n_samples,) or None
            True class of each particle. None if they are unknown, as of new particles:
            then each predicted class has a row.
        y_pred : array-like of shape (n_samples,)
            Predicted class of each particle.
        y_proba : array-like of shape (n_samples, n_classes), default=None
            Predicted probabilities.
        select : {"mistakes", "confident", "uncertain", "class"}, default=None
            "mistakes" shows particles whose predicted class is wrong, the most
            confident first, or in their own order without probabilities. "confident"
            and "uncertain" show particles with the largest and the smallest probability
            of the predicted class. "class" draws some of each true class at random, a
            row for each. By default "mistakes", and without `y_true` "confident", or
            "class" if there are no probabilities.
        n_particles : int, default=None
            Number of particles, in rows of classes the number of each class; all if
            there are fewer. By default 18, and 6 of each class.
        classes : array-like, default=None
            Classes of the columns of ``y_proba``, and of the rows; by default the names
            of these columns, or all that occur, sorted.
        random_state : int, RandomState instance or None, default=None
            Seed of the draw of "class".
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ParticleGalleryDisplay
            The display, drawn.
        """
        particles = check_particles(particles)
        known = check_predictions(len(particles), y_true, y_pred, y_proba, classes)
        chosen, rows, title = select_rows(select, known, n_particles, random_state)
        shown = {
            name: None if values is None else values[chosen]
            for name, values in known._asdict().items()
            if name in ("y_true", "y_pred", "confidence")
        }
        display = cls(particles.iloc[chosen], **shown, rows=rows, title=title)
        return display.plot(**plot_params)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        select=None,
        n_particles=None,
        random_state=None,
        **plot_params,
    ):
        """Show particles with the classes that a fitted model predicts.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier of particles.
        X : particle table, list of 2-D arrays or array
            Particles that the model has not seen.
        y : array-like of shape (n_samples,) or None
            True class of each particle; None if they are unknown.
        select : {"mistakes", "confident", "uncertain", "class"}, default=None
            Which particles to show, see :meth:`from_predictions`.
        n_particles : int, default=None
            Number of particles, in rows of classes the number of each class; all if
            there are fewer. By default 18, and 6 of each class.
        random_state : int, RandomState instance or None, default=None
            Seed of the draw of "class".
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ParticleGalleryDisplay
            The display, drawn.
        """
        estimator = only_one(estimator, "model")
        check_is_fitted(estimator)
        y_pred, y_proba, classes = predict_with_classes(estimator, X)
        return cls.from_predictions(
            X,
            y,
            y_pred,
            y_proba=y_proba,
            select=select,
            n_particles=n_particles,
            classes=classes,
            random_state=random_state,
            **plot_params,
        )

    @classmethod
    @validate_params(_OF_RESULT, prefer_skip_nested_validation=False)
    def from_cv_results(
        cls,
        result,
        X,
        *,
        select="mistakes",
        n_particles=None,
        random_state=None,
        **plot_params,
    ):
        """Show particles with the classes that cross-validation predicted.

        Parameters
        ----------
        result : CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned.
        X : particle table, list of 2-D arrays or array
            The particles that were cross-validated.
        select : {"mistakes", "confident", "uncertain", "class", "suspicious"}, \
                default="mistakes"
            Which particles to show, see :meth:`from_predictions`. "suspicious" shows
            ``result.suspicious_labels()`` with the suggested classes.
        n_particles : int, default=None
            Number of particles, for "class" the number of each class; all if there are
            fewer. By default 18, and 6 of each class.
        random_state : int, RandomState instance or None, default=None
            Seed of the draw of "class".
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ParticleGalleryDisplay
            The display, drawn.
        """
        (result,) = named_results(only_one(result, "result")).values()
        particles = check_particles(X)
        check_same_rows(result, particles)
        if select == "suspicious":
            rows, shown = most_suspicious(result, n_particles or 18)
            return cls(particles.iloc[rows], **shown).plot(**plot_params)
        return cls.from_predictions(
            particles,
            result.y_true,
            result.y_pred,
            y_proba=result.y_proba,
            select=select,
            n_particles=n_particles,
            classes=result.classes,
            random_state=random_state,
            **plot_params,
        )

    @draws(
        {
            "n_columns": [COUNT],
            "outline": ["boolean"],
            "scale_bar": ["boolean"],
            "vmin": [NUMBER, None],
            "vmax": [NUMBER, None],
        }
    )
    def plot(
        self,
        *,
        ax=None,
        n_columns=6,
        outline=True,
        scale_bar=True,
        vmin=None,
        vmax=None,
    ):
        """Draw the particles.

        The caption of a particle is the label of its row in the table, the true and the
        predicted class, as far as they are known, and in brackets the probability of
        the latter. What a selective classifier leaves undecided has none.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw, one for each particle; rows of classes need a 2-D array with
            a row for each class. By default a figure is made.
        n_columns : int, default=6
            Particles side by side in a grid.
        outline : bool, default=True
            Draw the outline of the mask if there is one.
        scale_bar : bool, default=True
            Draw a scale bar if the table has the column ``pixel_size``.
        vmin, vmax : float, default=None
            Pixel values that are drawn black and white. By default each particle has
            its own, see the Notes.

        Returns
        -------
        display : ParticleGalleryDisplay
            The display itself.
        """
        if vmin is not None and vmax is not None and vmin >= vmax:
            raise ValueError(f"vmin={vmin} must be below vmax={vmax}.")
        captions = self._captions()
        labels = list(self._row_names)
        axes = self._open(ax, n_columns, captions)
        for i, panel in enumerate(axes):
            particle = self.particles.iloc[i]
            mask = particle.get("mask") if outline else None
            pixel_size = particle.get("pixel_size") if scale_bar else None
            look = {"mask": mask, "pixel_size": pixel_size, "vmin": vmin, "vmax": vmax}
            draw_particle(panel, particle["image"], **look)
            panel.set_title(captions[i], fontsize="small")
            if self.rows == "class" and labels[i] not in labels[:i]:
                label = plain_text(labels[i])
                panel.set_ylabel(label, rotation=0, ha="right", va="center")
        if not len(axes):
            self.ax_.set_axis_off()
            self.ax_.text(0.5, 0.5, self.title, ha="center", va="center")
        elif ax is None and self.title:
            self.figure_.suptitle(self.title)
        return self

    def _open(self, ax, n_columns, captions):
        """Open a panel for each particle, in a grid or in rows of classes."""
        if self.rows is None:
            names = self.particles.index.tolist()
            shape = grid_shape(len(names), n_columns)
            return self._open_panels(
                ax, shape, names, figsize=gallery_size(shape, captions)
            )
        labels = list(self._row_names)
        row = [list(dict.fromkeys(labels)).index(label) for label in labels]
        column = [labels[:i].count(label) for i, label in enumerate(labels)]
        shape = max(row) + 1, max(column) + 1
        return self._open_grid(
            ax, shape, (row, column), figsize=gallery_size(shape, captions)
        )

    def _captions(self):
        """Return the text above each particle."""
        return [
            caption(
                name,
                None if self.y_true is None else self.y_true[i],
                None if self.y_pred is None else self.y_pred[i],
                None if self.confidence is None else self.confidence[i],
                names_row=self.rows == "class",
            )
            for i, name in enumerate(self.particles.index)
        ]
