"""Lead time as a law from receipts and open orders."""
