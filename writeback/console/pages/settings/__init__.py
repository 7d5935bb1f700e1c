"""Pages of what a school's settings say, a module for each subject."""
