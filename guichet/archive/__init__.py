"""All that an installation holds, taken out of it and put back: exports for other programs,
backups for a bad day."""
