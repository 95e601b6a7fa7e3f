"""Photos sent by phones: codes that let a phone add photos, and the page's local listener."""
