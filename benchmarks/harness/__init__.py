"""What every benchmark row needs: fresh processes, fair settings, one table, JSON reports."""
