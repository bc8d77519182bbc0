"""Public labelled data sets as training samples: one file a data set, one shape of tile out of all."""
