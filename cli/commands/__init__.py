"""What the command line declares: commands, options, examples. The work is done by the modules beside this folder."""
