"""Rules of a study, and what follows from them: who takes part, who was asked, which step of a route."""
