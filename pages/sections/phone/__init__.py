"""The tab that lets a phone add photos."""
