#!/usr/bin/env python3
"""Runs mark.sql on the tables of an export, and prints what it came to.

    mark.py OUT                          with DuckDB (pip install duckdb)
    mark.py OUT --engine spark           with Spark on this machine (pip install pyspark; Java 17 or later)
    mark.py OUT --result findings.json   with the findings, as code, repository, tag and digest

In a notebook or on a cluster: import it, make a class with view(), make() and rows() for your engine, and call mark().
"""
import argparse
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def read_export(out):
    """export.json of an export; an error for a folder that holds none that is whole."""
    path = os.path.join(out, "export.json")
    if not os.path.exists(path):
        sys.exit(f"{out}: there is no export.json: this is no export, or one that was not finished")
    with open(path, encoding="utf-8") as file:
        export = json.load(file)
    if not export["schemaVersion"].startswith("1."):
        sys.exit(f"{path}: schemaVersion {export['schemaVersion']} is not known here")
    if not export["complete"]:
        sys.exit(f"{path}: something could not be read, and may need anything: nothing can be concluded to be garbage")
    for truth in export["truthElsewhere"]:
        sys.exit(f"{path}: it is not the storage that decides what is live: {truth['evidence']}")
    return export


def steps(name="mark.sql"):
    """The steps of a file, as kind (table or loop), name and query."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return re.findall(r"^-- @(table|loop) (\w+)[^\n]*\n(.*?)(?=^-- @|\Z)", file.read(), re.M | re.S)


class DuckDB:
    def __init__(self, memory, threads):
        import duckdb

        self.connection = duckdb.connect(config={"memory_limit": memory, "threads": threads, "preserve_insertion_order": False})
        self.connection.execute("set timezone = 'UTC'")

    def view(self, name, folder):
        self.connection.execute(f"create view {name} as select * from read_parquet('{folder}/*.parquet')")

    def make(self, name, query):
        self.connection.execute(f"create or replace table {name}_next as {query}")
        self.connection.execute(f"drop table if exists {name}; alter table {name}_next rename to {name}")

    def rows(self, query):
        return [tuple(row) for row in self.connection.execute(query).fetchall()]


class Spark:
    def __init__(self, memory, threads, partitions=8):
        from pyspark.sql import SparkSession

        self.spark = (
            SparkSession.builder.master(f"local[{threads}]")
            .config("spark.driver.memory", memory.replace("GB", "g"))
            .config("spark.sql.shuffle.partitions", partitions)
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        self.work = tempfile.TemporaryDirectory()
        self.count = 0

    def view(self, name, folder):
        self.spark.read.parquet(folder).createOrReplaceTempView(name)

    def make(self, name, query):
        # Written and read back: a loop's plan would grow with each turn.
        self.count += 1
        path = os.path.join(self.work.name, f"{self.count:03}-{name}")
        self.spark.sql(query).write.parquet(path)
        self.view(name, path)

    def rows(self, query):
        return [tuple(row) for row in self.spark.sql(query).collect()]


def mark(engine, out, variant=None):
    """Makes the tables of mark.sql; afterwards the engine has reclaimable, repository_bytes, findings_by_sql and the others."""
    export = read_export(out)
    for table in export["tables"]:
        engine.view(table, os.path.join(out, table))
    cutoff, as_of = (time.replace("T", " ").replace("Z", "") for time in (export["policy"]["cutoff"], export["asOf"]))
    engine.make("policy", f"select cast('{cutoff}' as timestamp) as cutoff, cast('{as_of}' as timestamp) as as_of")
    selected = variant or export["policy"]["variant"]
    untagged = selected if selected in ("with_delete_untagged", "with_both") else "with_delete_untagged"
    for kind, name, query in steps():
        query = query.strip().replace("{selected}", selected).replace("{untagged}", untagged)
        before = None
        while True:
            engine.make(name, query)
            if kind == "table":
                break
            after = sorted(map(repr, engine.rows(f"select {weight(name)} from {name}")))
            if after == before:
                break
            before = after


def weight(name):
    """What changes with every turn of a loop until nothing changes."""
    return {
        "live": "count(*), sum(cast(as_is as int) + cast(with_delete_untagged as int) + cast(with_drop_dangling_tags as int) + cast(with_both as int))",
        "members": "count(*), sum(kind)",
        "anywhere": "count(*), sum(cast(named as int))",
        "lost_manifests": "count(*)",
    }[name]


def result(engine):
    return {
        "reclaimable": {
            row[0]: dict(blobs=row[1], bytes=int(row[2]), revisions=int(row[3]), layerLinks=int(row[4]))
            for row in engine.rows(
                "select r.variant, r.blobs, r.bytes, l.revisions, l.layer_links from reclaimable r join reclaimable_links l on l.variant = r.variant"
            )
        },
        "repositories": sorted(
            [row[0], *map(int, row[1:])]
            for row in engine.rows("select repository, bytes, exclusive_bytes, reclaimable_bytes from repository_bytes")
        ),
        "findings": sorted(
            [[value or "" for value in row] for row in engine.rows("select code, repository, tag, digest from findings_by_sql")]
        ),
    }


def main():
    parser = argparse.ArgumentParser(description="Runs mark.sql on the tables of an export of regcheck.")
    parser.add_argument("out", help="the folder of the export")
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    parser.add_argument("--variant", choices=["as_is", "with_delete_untagged", "with_drop_dangling_tags", "with_both"], help="as the export has it, unless given")
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=8, help="Spark: pieces of each step; 200 for a hundred million rows")
    parser.add_argument("--result", help="a JSON file for the findings and all sums")
    args = parser.parse_args()
    read_export(args.out)
    more = [args.partitions] if args.engine == "spark" else []
    engine = {"duckdb": DuckDB, "spark": Spark}[args.engine](args.memory, args.threads, *more)
    mark(engine, args.out, args.variant)
    found = result(engine)
    if args.result:
        with open(args.result, "w", encoding="utf-8") as file:
            json.dump(found, file)
    print(json.dumps({"reclaimable": found["reclaimable"], "findings": len(found["findings"])}, indent=2))


if __name__ == "__main__":
    main()
