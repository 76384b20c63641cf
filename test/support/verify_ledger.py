"""Verifies a dump of a ledger from docs/ledger.md alone: python3 verify_ledger.py FOLDER. Prints one line; exit code 0 or 4."""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ZEROS = "0" * 64


class Wrong(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Wrong(message)


def canonical(value):
    # Members sorted by UTF-16 code units; the numbers of a ledger are whole.
    def ordered(inner):
        if isinstance(inner, dict):
            names = sorted(inner, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return {name: ordered(inner[name]) for name in names}
        return [ordered(one) for one in inner] if isinstance(inner, list) else inner

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def lines(folder, name):
    with open(f"{folder}/{name}.ndjson", "rb") as file:
        for number, line in enumerate(file, 1):
            value = json.loads(line)
            need(canonical(value) + b"\n" == line, f"{name} line {number} is not canonical")
            yield value


def check_proof(context, value, keys, what):
    body = {name: inner for name, inner in value.items() if name not in ("hash", "signature")}
    digest = hashlib.sha256(context + canonical(body)).digest()
    need(digest.hex() == value["hash"], f"{what}: hash")
    need(value["key_id"] in keys, f"{what}: key")
    public, retired = keys[value["key_id"]]
    need(not retired, f"{what}: retired key")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(decode(value["signature"]), context + digest)
    except InvalidSignature:
        raise Wrong(f"{what}: signature") from None


def add_key(keys, key_id, detail, what):
    public = decode(detail["public_key"])
    need(hashlib.sha256(public).hexdigest() == key_id == detail["key_id"] and key_id not in keys, f"{what}: new key")
    keys[key_id] = (public, False)


def verify_stream(folder, stream, checkpoints):
    keys, previous, seq, ledger_id = {}, ZEROS, 0, None
    waiting = {one["seq"]: one for one in lines(folder, checkpoints)}
    last = {"number": 0, "hash": ZEROS}
    for entry in lines(folder, stream):
        seq += 1
        what = f"{stream} {seq}"
        need(entry["seq"] == seq and entry["stream"] == stream and entry["version"] == 1, f"{what}: place")
        need(entry["previous_hash"] == previous, f"{what}: chain")
        action, detail = entry["action"], entry["detail"]
        need((action == "ledger.begin") == (seq == 1), f"{what}: begin")
        if seq == 1:
            ledger_id = detail["ledger_id"]
            add_key(keys, entry["key_id"], detail, what)
        check_proof(b"holdfast v1 ledger entry", entry, keys, what)
        if action == "ledger.key_added":
            add_key(keys, entry["object_id"], detail, what)
        if action == "ledger.key_retired":
            need(entry["object_id"] != entry["key_id"], f"{what}: retires itself")
            keys[entry["object_id"]] = (keys[entry["object_id"]][0], True)
        previous = entry["hash"]
        checkpoint = waiting.pop(seq, None)
        if checkpoint:
            what = f"{checkpoints} {checkpoint['number']}"
            need(checkpoint["number"] == last["number"] + 1 and checkpoint["previous_hash"] == last["hash"], f"{what}: chain")
            need(checkpoint["head_hash"] == previous and checkpoint["entries"] == seq, f"{what}: head")
            need(checkpoint["ledger_id"] == ledger_id and checkpoint["stream"] == stream, f"{what}: ledger")
            check_proof(b"holdfast v1 ledger checkpoint", checkpoint, keys, what)
            last = checkpoint
    need(seq > 0, f"{stream}: empty")
    need(not waiting, f"{stream} {seq + 1}: the end is gone")
    return ledger_id, keys, seq


def main(folder):
    vault = verify_stream(folder, "audit_vault", "vault_checkpoints")
    reads = verify_stream(folder, "org_admin_reads", "org_admin_reads_checkpoints")
    need(vault[:2] == reads[:2], "the streams disagree")
    listed = {one["key_id"]: (decode(one["public_key"]), one["status"] == "retired") for one in lines(folder, "vault_signing_keys")}
    need(listed == vault[1], "the list of keys")
    return f"{vault[0]} {vault[2]} {reads[2]}"


try:
    print(main(sys.argv[1]))
except (Wrong, KeyError, ValueError) as error:
    print(f"wrong: {error}")
    sys.exit(4)
