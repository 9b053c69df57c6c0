#!/usr/bin/env python3
"""What the order example must print for a file, computed without it: recompute.py FILE [REPETITIONS]"""
import csv
import json
import sys
from collections import defaultdict
from datetime import datetime
from decimal import Decimal, InvalidOperation


def amount(row):
    """Quantity times unit price; raises ValueError for a bad line."""
    if len(row) != 8 or not row[0].strip() or not row[1].strip():
        raise ValueError
    datetime.strptime(row[4].strip(), "%Y-%m-%d %H:%M:%S")
    try:
        price = Decimal(row[5].strip())
    except InvalidOperation as error:
        raise ValueError from error
    if not price.is_finite():
        raise ValueError
    return int(row[3].strip()) * price


def main(path, repetitions=1):
    invoices, revenue, bad = set(), defaultdict(Decimal), 0
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = [row for row in csv.reader(file) if row][1:]
    for row in rows:
        try:
            value = amount(row)
        except ValueError:
            bad += repetitions
            continue
        revenue[row[7].strip()] += value * repetitions
        invoices.add(row[0].strip())
    # By hand, because the json module writes a Decimal as text or as a rounded float.
    countries = ",".join(f"{json.dumps(country)}:{value:f}" for country, value in sorted(revenue.items()))
    print(
        f'{{"invoices":{len(invoices)},"cancellations":{sum(invoice.startswith("C") for invoice in invoices)},'
        f'"net":{sum(revenue.values(), Decimal()):f},"revenueByCountry":{{{countries}}},"deadLettered":{bad}}}')


main(sys.argv[1], *map(int, sys.argv[2:]))
