"""Describes: what clients are told about objects and fields, out of the same rows that drive everything else."""

from __future__ import annotations

from typing import Any

from counterfoil_mocks.crm.salesforce.objects import MONEY_TYPES, TEXT_TYPES, SField, SObject
from counterfoil_mocks.crm.salesforce.views import Catalog

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "int": "xsd:int",
    "address": "urn:address",
    "anyType": "xsd:anyType",
    "base64": "xsd:base64Binary",
}
MASTER = "012000000000000AAA"


def entry(each: SObject, root: str) -> dict[str, Any]:
    """An object as the list of all objects shows it. root: `/services/data/v59.0`."""
    place = f"{root}/sobjects/{each.name}"
    readable = not each.name.endswith("__e")
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": "c" in each.verbs,
        "custom": each.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": "d" in each.verbs,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": each.prefix,
        "label": each.shown_label,
        "labelPlural": each.shown_plural,
        "layoutable": bool(each.verbs),
        "mergeable": each.name in ("Account", "Contact", "Lead"),
        "mruEnabled": False,
        "name": each.name,
        "queryable": readable,
        "replicateable": bool(each.entity) and readable,
        "retrieveable": readable,
        "searchable": each.name_field is not None and readable and bool(each.entity),
        "triggerable": bool(each.verbs),
        "undeletable": "d" in each.verbs,
        "updateable": "u" in each.verbs,
        "urls": {"sobject": place, "describe": f"{place}/describe", "rowTemplate": f"{place}/{{ID}}"},
    }


def _described(catalog: Catalog, each: SObject, root: str) -> dict[str, Any]:
    return {
        **entry(each, root),
        "actionOverrides": [],
        "childRelationships": [
            {
                "cascadeDelete": catalog.objects[way.view.lower()].by_name[way.by.lower()].cascade,
                "childSObject": way.view,
                "deprecatedAndHidden": False,
                "field": way.by,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": way.name,
                "restrictedDelete": False,
            }
            for way in catalog.ways_to(each)
        ],
        "compactLayoutable": bool(each.verbs),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field(one) for one in each.fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": MASTER,
                "urls": {"layout": f"{root}/sobjects/{each.name}/describe/layouts/{MASTER}"},
            }
        ],
        "searchLayoutable": None,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": "All", "name": "everything"}, {"label": "Mine", "name": "mine"}],
        "urls": {
            **entry(each, root)["urls"],
            "layouts": f"{root}/sobjects/{each.name}/describe/layouts",
            "approvalLayouts": f"{root}/sobjects/{each.name}/describe/approvalLayouts",
            "compactLayouts": f"{root}/sobjects/{each.name}/describe/compactLayouts",
            "quickActions": f"{root}/sobjects/{each.name}/quickActions",
            "uiDetailTemplate": "/{ID}",
            "uiEditTemplate": "/{ID}/e",
            "uiNewRecord": f"/{each.prefix}/e",
        },
    }


def described(catalog: Catalog, each: SObject, root: str) -> dict[str, Any]:
    """An object with its fields and the lists of its children."""
    place = each.name, root
    if place not in catalog.described:
        catalog.described[place] = _described(catalog, each, root)
    return catalog.described[place]


def field(one: SField) -> dict[str, Any]:
    """A field."""
    number = one.type in MONEY_TYPES
    text = one.type in TEXT_TYPES
    length = one.length if text or one.type in ("id", "reference") else 0
    whole = one.type == "int"
    plain = one.filterable
    default = one.default if isinstance(one.default, (bool, str)) and one.default != "$user" else None
    return {
        "aggregatable": plain and one.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": "auto" in one.marks,
        "byteLength": length * 3 if text else length,
        "calculated": one.sql is not None and "ro" in one.marks,
        "calculatedFormula": None,
        "cascadeDelete": one.cascade,
        "caseSensitive": False,
        "compoundFieldName": compound_of(one.name),
        "controllerName": None,
        "createable": one.createable,
        "custom": one.custom,
        "defaultValue": default,
        "defaultValueFormula": None,
        "defaultedOnCreate": one.default is not None
        or one.type == "boolean"
        or "auto" in one.marks
        or one.name == "Id",
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 18 if whole else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": "X" in one.marks,
        "extraTypeInfo": None,
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": plain and not number and one.type != "datetime",
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": "X" in one.marks or one.name in ("Id", "Email"),
        "inlineHelpText": None,
        "label": one.shown_label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": one.name,
        "nameField": "N" in one.marks,
        "namePointing": len(one.refers) > 1,
        "nillable": not (one.required or one.type == "boolean" or one.name in SYSTEM_NAMES or "auto" in one.marks),
        "permissionable": not one.required and one.name not in SYSTEM_NAMES,
        "picklistValues": [
            {"active": True, "defaultValue": each == one.default, "label": each, "validFor": None, "value": each}
            for each in one.picks
        ],
        "polymorphicForeignKey": len(one.refers) > 1,
        "precision": 18 if number and not whole else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(one.refers),
        "relationshipName": one.relation or None,
        "relationshipOrder": 0 if one.cascade else None,
        "restrictedDelete": False,
        "restrictedPicklist": one.restricted,
        "scale": one.scale if number and not whole else 0,
        "searchPrefilterable": False,
        "soapType": "xsd:double" if number and not whole else SOAP_TYPES.get(one.type, "xsd:string"),
        "sortable": one.filterable,
        "type": one.type,
        "unique": "u" in one.marks,
        "updateable": one.updateable,
        "writeRequiresMasterRead": False,
    }


SYSTEM_NAMES = (
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


def compound_of(name: str) -> str | None:
    """The compound field that a field is part of: `BillingAddress` of `BillingCity`, `Name` of `LastName`."""
    for kind in ("Billing", "Shipping", "Mailing"):
        if name.startswith(kind) and name.removeprefix(kind) in ("Street", "City", "State", "PostalCode", "Country"):
            return f"{kind}Address"
    return "Name" if name in ("FirstName", "LastName", "Salutation") else None
