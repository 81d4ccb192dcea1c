"""Facts, cases, decisions and proof: records, snapshots, database, import gate and audit chain."""
