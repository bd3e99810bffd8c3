"""
The networks against the SVM
============================

The thesis ends with its best network against the SVM on each problem (section 9, Figure
22, Tables 9 and 10). Its tables can be measured again: this prints what follows from
them beside what it says of them, and runs the same comparison here. For your own
table::

    python plot_12_benchmark.py particles.csv
"""

import matplotlib.pyplot as plt
from command_line import cross_validate, load_problems, read_options, save_picture
from thesis_tables import TABLE_9, TABLE_10, expand, print_beside_thesis

from sklipo import classification_table, make_lipnet_pipeline, make_svc_pipeline
from sklipo.displays import ClassMetricsDisplay, ConfusionMatricesDisplay
from sklipo.metrics import baseline_table

options = read_options("Compare the networks with the SVM", "benchmark.png")
measures = ["TPR", "TNR", "PPV", "NPV", "thesis_F1"]

# %%
# What the tables of the thesis say
# ---------------------------------
# Average counts over five folds; rows are true classes. Table 10 is headed LipNet-4,
# where the text around it speaks of LipNet-2.

for number, table in ((9, TABLE_9), (10, TABLE_10)):
    measured = classification_table(*expand(table), labels=table.index)
    print(f"\nTable {number}\n{table}\n{measured[[*measures, 'support']].round(3)}")
print(
    """
The text of the thesis agrees with Table 9 on the NPV of unilamellar (0.7) and on the
TPR of uncertain (70 %). It does not on the PPV of the rare classes: 'slightly above
10 %' for uncertain, where Table 9 gives 7.3 %; 'approximately 10 %' for empty, where
Table 10 gives 7.4 %, and '15 %' for uncertain, where it gives 8.4 %.

The accuracy paradox (section 4.6): a rule that always says 'full' is right more often
than the network of Table 10, and recognizes nothing."""
)
print(baseline_table(*expand(TABLE_10), random_state=0).round(3))

# %%
# The comparison here
# -------------------
# The networks that the text names, cropped, masked and augmented, and the SVM with the
# features of the thesis; all on the same folds, grouped by micrograph.

networks = {"lamellarity": "lipnet-4", "encapsulation": "lipnet-2"}
tables = load_problems(options)
results = {}
for problem, particles in tables.items():
    architecture = networks.get(problem, "lipnet-4")
    models = {
        architecture: make_lipnet_pipeline(
            architecture, random_state=0, **options.network
        ),
        "SVM": make_svc_pipeline("thesis"),
    }
    results[problem] = {
        name: cross_validate(model, particles, options)
        for name, model in models.items()
    }
    for name, result in results[problem].items():
        print(f"\n{problem}, {name}\n{result}")
    network, svm = results[problem].values()
    print(f"\nThe network less the SVM\n{network.compare(svm).round(3)}")

# %%
# Average counts (Tables 9 and 10)
# --------------------------------

for problem, table in (("lamellarity", TABLE_9), ("encapsulation", TABLE_10)):
    if problem in results:
        network = next(iter(results[problem].values()))
        matrix = network.mean_confusion_matrix().loc[table.index, table.columns]
        print_beside_thesis(f"{problem}: average counts, rows true", matrix, table)

# %%
# All measures (Figure 22)
# ------------------------

for problem, by_model in results.items():
    pictures = {
        "measures": ClassMetricsDisplay.from_cv_results(
            by_model, metric=measures, x="metric"
        ),
        "confusion": ConfusionMatricesDisplay.from_cv_results(by_model),
    }
    for name, display in pictures.items():
        display.figure_.suptitle(problem)
        save_picture(display.figure_, options, name, problem)
plt.show()
