"""The convolutional networks of the thesis as scikit-learn estimators."""
