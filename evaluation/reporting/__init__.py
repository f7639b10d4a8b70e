"""What people look at: terminal, report page, toplines, survey files with answers."""
