"""The command line's commands, one module each. Their modules import nothing heavy before they run."""
