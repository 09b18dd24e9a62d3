"""Price-list files of AWS's shape, small: what `offers/` holds, and what a test adds to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

OFFERS = Path(__file__).parent / "offers"
ON_DEMAND = "JRTCKXETXF"


def product(sku: str, usd: str, family: str = "", /, **attributes: str) -> dict[str, Any]:
    """One product with its on-demand price."""
    dimension = {"beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
    return {
        "products": {sku: {"sku": sku, "productFamily": family, "attributes": attributes}},
        "OnDemand": {sku: {f"{sku}.{ON_DEMAND}": {"priceDimensions": {f"{sku}.{ON_DEMAND}.6YS6EN2CT7": dimension}}}},
    }


def offer(*products: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {"products": {}, "OnDemand": {}}
    for each in products:
        merged["products"] |= each["products"]
        merged["OnDemand"] |= each["OnDemand"]
    return {
        "formatVersion": "v1.0",
        "publicationDate": "2026-08-31T09:22:23Z",
        "products": merged["products"],
        "terms": {"OnDemand": merged["OnDemand"]},
    }


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(content))


CSV = """\
"FormatVersion","v1.0"
"Disclaimer","sample"
"Publication Date","2026-08-31T09:22:23Z"
"Version","20260831092223"
"OfferCode","AmazonEC2"
"SKU","OfferTermCode","RateCode","TermType","PriceDescription","EffectiveDate","StartingRange","EndingRange","Unit",\
"PricePerUnit","Currency","Product Family","serviceCode","Instance Type","Tenancy","Operating System","License Model",\
"usageType","operation","CapacityStatus","Pre Installed S/W"
"A","JRTCKXETXF","A.JRTCKXETXF.1","OnDemand","","2026-08-01","0","Inf","Hrs","0.1746000000","USD","Compute Instance",\
"AmazonEC2","c6a.xlarge","Shared","Linux","No License required","EUC1-BoxUsage:c6a.xlarge","RunInstances","Used","NA"
"B","JRTCKXETXF","B.JRTCKXETXF.1","OnDemand","","2026-08-01","0","Inf","Hrs","0.3586000000","USD","Compute Instance",\
"AmazonEC2","c6a.xlarge","Shared","Windows","No License required","EUC1-BoxUsage:c6a.xlarge","RunInstances","Used","NA"
"C","JRTCKXETXF","C.JRTCKXETXF.1","OnDemand","","2026-08-01","0","Inf","Hrs","0.0000000000","USD","Compute Instance",\
"AmazonEC2","c6a.xlarge","Shared","Linux","No License required","EUC1-Reservation:c6a.xlarge","RunInstances",\
"AllocatedCapacityReservation","NA"
"A","4NA7Y494T4","A.4NA7Y494T4.1","Reserved","","2026-08-01","","","Hrs","0.1100000000","USD","Compute Instance",\
"AmazonEC2","c6a.xlarge","Shared","Linux","No License required","EUC1-BoxUsage:c6a.xlarge","RunInstances","Used","NA"
"D","JRTCKXETXF","D.JRTCKXETXF.1","OnDemand","","2026-08-01","0","Inf","GB-Mo","0.0952000000","USD","Storage",\
"AmazonEC2","","","","","EUC1-EBS:VolumeUsage.gp3","","",""
"E","JRTCKXETXF","E.JRTCKXETXF.1","OnDemand","","2026-08-01","0","Inf","GiBps-mo","48.7424000000","USD",\
"Provisioned Throughput","AmazonEC2","","","","","EUC1-EBS:VolumeP-Throughput.gp3","","",""
"""
