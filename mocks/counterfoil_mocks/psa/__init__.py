"""The PSA: employees, projects, tasks, assignments, time, expenses and milestones."""
