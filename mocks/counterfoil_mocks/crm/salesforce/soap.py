"""The SOAP partner API as far as clients still need it: login, logout, who am I, the time, merge, undelete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from counterfoil_mocks.crm.salesforce import errors, merging
from counterfoil_mocks.crm.salesforce.errors import Refused
from counterfoil_mocks.kernel.errors import Problem
from counterfoil_mocks.kernel.operations import Answer, Ask

if TYPE_CHECKING:
    from counterfoil_mocks.crm.salesforce.api import SalesforceFace

XML = (("content-type", "text/xml;charset=UTF-8"),)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
)
UNFIT = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class Raw(bytes):
    """A body that is no JSON."""


def _enveloped(body: str) -> Raw:
    return Raw(
        f'{HEAD} xmlns="urn:partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'.encode()
    )


def fault(code: str, message: str) -> Answer:
    """A refusal: prefixed exactly so, since clients look for the prefixed elements."""
    body = (
        f'{HEAD} xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{escape(message)}'
        "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Answer(500, Raw(body.encode()), headers=XML)


def answer(face: SalesforceFace, ask: Ask) -> Answer:
    """A call of the SOAP API."""
    request = ask.request
    try:
        if UNFIT.search(request.body):
            raise ElementTree.ParseError
        envelope = ElementTree.fromstring(request.body)
    except ElementTree.ParseError:
        return fault("INVALID_TYPE", "The request is no well-formed SOAP envelope.")
    body = next((each for each in envelope if _local(each) == "Body"), None)
    call = next(iter(body), None) if body is not None else None
    if call is None:
        return fault("INVALID_TYPE", "The envelope has no call.")
    name, base = _local(call), face.base(request)
    if name == "login":
        return _login(face, call, base, ask.params.get("version", "59.0"))
    token = _text(envelope, "sessionId")
    try:
        face.sessions.session(token)
    except Refused:
        return fault(
            "INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session. Session not found."
        )
    return _call(face, ask, call, name, token)


def _call(face: SalesforceFace, ask: Ask, call: ElementTree.Element, name: str, token: str) -> Answer:
    match name:
        case "logout":
            face.sessions.end(token)
            return _done("<logoutResponse/>")
        case "getUserInfo":
            return _done(f"<getUserInfoResponse><result>{_user_info(face)}</result></getUserInfoResponse>")
        case "getServerTimestamp":
            now = face.system.clock.now
            return _done(
                f"<getServerTimestampResponse><result><timestamp>{now}</timestamp></result></getServerTimestampResponse>"
            )
        case "merge":
            requests = [each for each in call if _local(each) == "request"]
            if not requests:
                return fault("UNKNOWN_EXCEPTION", "merge is told what to merge by elements of the name request.")
            return _results("merge", [_merged(face, ask, each) for each in requests])
        case "undelete":
            named = [each.text or "" for each in call if _local(each) == "ids"]
            return _results("undelete", [_undeleted(face, ask, each) for each in named])
        case _:
            return fault("UNKNOWN_EXCEPTION", f"The operation {name} is not offered; use the REST API.")


def _login(face: SalesforceFace, call: ElementTree.Element, base: str, version: str) -> Answer:
    sessions = face.sessions
    if not sessions.password_fits(_text(call, "username"), _text(call, "password")):
        return fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    token = sessions.signed_in(by_password=True)
    expired = "true" if sessions.password_expired else "false"
    return _done(
        f"<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{version}/{face.org.id}</metadataServerUrl>"
        f"<passwordExpired>{expired}</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{base}/services/Soap/u/{version}/{face.org.id}</serverUrl><sessionId>{token}</sessionId>"
        f"<userId>{face.org.user}</userId><userInfo>{_user_info(face)}</userInfo></result></loginResponse>"
    )


def _user_info(face: SalesforceFace) -> str:
    person = face.org.people[0]
    return (
        "<accessibilityMode>false</accessibilityMode><currencySymbol>$</currencySymbol><orgDefaultCurrencyIsoCode>USD</orgDefaultCurrencyIsoCode>"
        f"<orgHasPersonAccounts>false</orgHasPersonAccounts><organizationId>{face.org.id}</organizationId>"
        "<organizationMultiCurrency>true</organizationMultiCurrency><organizationName>Counterfoil Services</organizationName>"
        f"<profileId>{face.org.profile}</profileId><roleId></roleId><sessionSecondsValid>7200</sessionSecondsValid>"
        f"<userDefaultCurrencyIsoCode>USD</userDefaultCurrencyIsoCode><userEmail>{person['Email']}</userEmail>"
        f"<userFullName>{person['Name']}</userFullName><userId>{face.org.user}</userId><userLanguage>en_US</userLanguage>"
        f"<userLocale>en_US</userLocale><userName>{escape(face.sessions.username)}</userName><userTimeZone>UTC</userTimeZone>"
        "<userType>Standard</userType><userUiSkin>Theme3</userUiSkin>"
    )


def _merged(face: SalesforceFace, ask: Ask, request: ElementTree.Element) -> str:
    master = next((each for each in request if _local(each) == "masterRecord"), None)
    losers = [each.text or "" for each in request if _local(each) == "recordToMergeIds"]
    if master is None:
        return _failed(Refused(400, "REQUIRED_FIELD_MISSING", "masterRecord is required", ["masterRecord"]))
    given = {_local(each): each.text for each in master if _local(each) not in ("type", "Id")}
    winner = _text(master, "Id")
    try:
        moved = merging.merge(face.desk(ask), winner, losers, given)
    except Problem as problem:
        return _failed(errors.of(problem))
    lists = "".join(f"<mergedRecordIds>{each}</mergedRecordIds>" for each in losers)
    lists += "".join(f"<updatedRelatedIds>{each}</updatedRelatedIds>" for each in moved)
    return f"<id>{winner}</id>{lists}<success>true</success>"


def _undeleted(face: SalesforceFace, ask: Ask, record_id: str) -> str:
    try:
        face.desk(ask).undelete(record_id)
    except Problem as problem:
        return _failed(errors.of(problem))
    return f"<id>{record_id}</id><success>true</success>"


def _failed(refused: Refused) -> str:
    fields = "".join(f"<fields>{each}</fields>" for each in refused.fields or ())
    return (
        f"<errors>{fields}<message>{escape(refused.detail)}</message><statusCode>{refused.code}</statusCode></errors>"
        "<success>false</success>"
    )


def _results(name: str, results: list[str]) -> Answer:
    inside = "".join(f"<result>{each}</result>" for each in results)
    return _done(f"<{name}Response>{inside}</{name}Response>")


def _done(body: str) -> Answer:
    return Answer(200, _enveloped(body), headers=XML)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, name: str) -> str:
    return next((each.text or "" for each in element.iter() if _local(each) == name), "")
