#!/usr/bin/env python3
"""Opens Holdfast backups without Holdfast: repositories and bundles of format version 1, on a folder.

One file: Python 3.11 or newer and its package `cryptography` (Debian: python3-cryptography). Written from
docs/format.md, as an implementation of its own beside holdfast-decode.mjs; both take the same commands. It only reads
the backups, and never uses the network. zstd comes from the system's libzstd or from Python 3.14 where one of them is
there, else from the decoder in this file, which is slow and needs nothing.

See USAGE below, or run it with --help.
"""

import base64
import ctypes
import ctypes.util
import functools
import hashlib
import hmac
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import zlib
from collections import OrderedDict
from datetime import datetime

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
except ImportError:
    sys.exit("holdfast-decode: install the Python package cryptography (Debian: apt-get install python3-cryptography)")

USAGE = """holdfast_decode.py: opens Holdfast backups without Holdfast

  list ADDRESS                    the backups in a folder that holds a repository or bundles
  show ADDRESS BACKUP             what one backup holds
  open ADDRESS BACKUP FOLDER      restore everything in it into a new folder
  open-bundle FILE FOLDER         the same for one bundle file
  check ADDRESS [BACKUP]          read everything and say what is damaged
  key                             the key itself, such as out of its printed, wrapped form

BACKUP is "latest" or the beginning of an id. ADDRESS is a folder: fetch a bucket or a server first.

The key comes from --key-file FILE (several are tried), BACKUP_ENCRYPTION_KEY, BACKUP_ENCRYPTION_KEY_FILE or
BACKUP_ENCRYPTION_KEY_OLD: hfk1-... is a raw key, hfw1-... a key wrapped under a passphrase (given by
--kit-passphrase-file FILE or HOLDFAST_KIT_PASSPHRASE), anything else a passphrase.

  --signers FILE        signers.json of the recovery kit: only what these keys signed counts
  --fingerprint HEX     the same by fingerprint; may be given several times
  --kit FOLDER          recovery kit whose copies of key slots, keyrings and signers stand in for lost ones
  --item NAME           open: only this artifact; may be given several times
  --keep-going          open: leave out what is damaged, and name it (exit code 4)
  --owners, --no-owners owners, setuid and setgid: default yes as root for open, no for open-bundle
  --json                one JSON document on standard output
  --zstd builtin        use the decoder in this file even where another is there

Exit codes: 0 done, 1 failed, 2 not understood, 4 damage was found, 5 no key or the wrong one.
"""

EXIT = {"failed": 1, "usage": 2, "damaged": 4, "key": 5}
MAX_SAFE = 2**53 - 1


class Failure(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind
        self.message = message


def damaged(message):
    return Failure("damaged", message)


def failed(message):
    return Failure("failed", message)


def usage(message):
    return Failure("usage", message)


def need(condition, message):
    """Raises for what is damaged. A message that costs something is given as a function."""
    if not condition:
        raise Failure("damaged", message() if callable(message) else message)


# ── bytes and text ───────────────────────────────────────────────────────────────────────────────────────────


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(value, length, what):
    try:
        need(isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]*", value), f"{what} is malformed")
        data = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        raise damaged(f"{what} is malformed") from None
    need(b64(data) == value and (length is None or len(data) == length), f"{what} is malformed")
    return data


def uuid_bytes(text, what):
    pattern = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    need(isinstance(text, str) and re.fullmatch(pattern, text), f"{what} is no uuid")
    return bytes.fromhex(text.replace("-", ""))


def parse_json(data, what):
    try:
        value = json.loads(bytes(data).decode("utf-8"))
    except (ValueError, RecursionError):
        raise damaged(f"{what} is not json") from None
    need(isinstance(value, dict), f"{what} is not an object")
    return value


def is_integer(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def printable(value):
    """For people: what could move a cursor or is not UTF-8 is escaped."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return "".join(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in data)
    else:
        text = str(value)
    import unicodedata

    def shown(c):
        if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            return c
        return f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{{{ord(c):x}}}"

    return "".join(map(shown, text))


# ── cryptography (format.md, sections 2 and 3) ───────────────────────────────────────────────────────────────


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def hkdf(key, salt, info, length):
    """RFC 5869 with SHA-256."""
    prk = hmac.digest(salt or bytes(32), key, "sha256")
    output, block = b"", b""
    for i in range((length + 31) // 32):
        block = hmac.digest(prk, block + info + bytes([i + 1]), "sha256")
        output += block
    return output[:length]


def gcm_open(key, nonce, aad, stored):
    """The plaintext, or None when the tag does not fit."""
    if len(stored) < 16:
        return None
    try:
        return AESGCM(key).decrypt(nonce, bytes(stored), aad)
    except InvalidTag:
        return None


def counter_nonce(first, counter):
    return first.to_bytes(4, "big") + counter.to_bytes(8, "big")


def ed25519_verifies(public_key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def decode_base32(text):
    """None for anything that is not the one spelling of some bytes; O, I and L are read as digits."""
    out, held, bits = bytearray(), 0, 0
    for symbol in text.upper().replace("O", "0").replace("I", "1").replace("L", "1"):
        value = BASE32.find(symbol)
        if value < 0:
            return None
        held = held << 5 | value
        bits += 5
        if bits >= 8:
            bits -= 8
            out.append(held >> bits)
            held &= (1 << bits) - 1
    return None if bits >= 5 or held != 0 else bytes(out)


def encode_base32(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join(BASE32[int(bits[i : i + 5].ljust(5, "0"), 2)] for i in range(0, len(bits), 5))


def key_text(key):
    symbols = encode_base32(key + sha256(b"holdfast key", key)[:4])
    return "hfk1-" + "-".join(symbols[i : i + 6] for i in range(0, len(symbols), 6))


MISTYPED = "the key text is damaged: a character is wrong or missing"


def typed_bytes(text, context):
    """What stands behind a prefix such as hfk1-, its checksum taken off. Raises for a mistyped one."""
    data = decode_base32(re.sub(r"[-\s]", "", text[5:])) or b""
    body = data[:-4]
    if not body or sha256(context, body)[:4] != data[-4:]:
        raise Failure("key", MISTYPED)
    return body


class Credential:
    def __init__(self, raw=None, passphrase=None):
        self.raw = raw
        self.passphrase = passphrase


def parse_key_text(text, kit_passphrase):
    plain = text.rstrip("\r\n")
    if plain.strip() == "":
        raise Failure("key", "the key is empty")
    # The printed form of a recovery kit has lines of explanation.
    typed = "\n".join(line for line in re.split(r"\r?\n", plain) if not re.match(r"\s*#", line)).strip()
    match = re.match(r"hf([kwp])[1il][-\s]", typed, re.IGNORECASE)
    kind = match[1].lower() if match else None
    if kind == "k":
        raw = typed_bytes(typed, b"holdfast key")
        if len(raw) != 32:
            raise Failure("key", MISTYPED)
        return Credential(raw=raw)
    if kind == "p":
        return Credential(passphrase=typed_bytes(typed, b"holdfast passphrase"))
    if kind == "w":
        return Credential(raw=open_printed_key(typed_bytes(typed, b"holdfast wrapped key"), kit_passphrase))
    return Credential(passphrase=plain.encode())


def open_printed_key(body, kit_passphrase):
    """A printed, wrapped key (format.md, section 3): cost and salt, the wrapped key, the commitment."""
    if kit_passphrase is None:
        raise Failure(
            "key",
            "the key is wrapped under a passphrase: give --kit-passphrase-file or HOLDFAST_KIT_PASSPHRASE",
        )
    version, log_n, r, p = body[:4]
    if version != 1 or len(body) != 116:
        raise Failure("key", "the wrapped key is of an unknown form")
    wrapped = {
        "kdf": {"name": "scrypt", "n": 2**log_n, "r": r, "p": p, "salt": b64(body[4:36])},
        "wrapped": b64(body[36:84]),
        "commitment": b64(body[84:]),
    }
    check_wrapped(wrapped, 2**26)
    credential = Credential(passphrase=kit_passphrase.encode())
    key = unwrap_key(wrapped, credential, b"holdfast v1 printed key" + body[:4])
    if key is None:
        raise Failure("key", "the passphrase does not open the printed key")
    return key


def check_wrapped(slot, max_work):
    need(isinstance(slot, dict), "a key slot is malformed")
    from_b64(slot.get("wrapped"), 48, "a wrapped key")
    from_b64(slot.get("commitment"), 32, "a commitment")
    kdf = slot.get("kdf")
    need(isinstance(kdf, dict), "a key slot has an unknown kdf")
    # A key management service opens it, and nothing here.
    if kdf.get("name") == "kms":
        return
    from_b64(kdf.get("salt"), 32, "a salt")
    if kdf.get("name") == "hkdf":
        return
    n, r, p = kdf.get("n"), kdf.get("r"), kdf.get("p")
    need(kdf.get("name") == "scrypt", "a key slot has an unknown kdf")
    need(is_integer(n, 2, 2**20) and n & (n - 1) == 0, "a key slot has a wrong scrypt n")
    need(is_integer(r, 1, 16) and is_integer(p, 1, 4), "a key slot asks for too much work")
    need(n * r * p <= max_work, "a key slot asks for too much work")


def unwrap_key(slot, credential, aad):
    """The 32 bytes a slot wraps, or None when this credential does not open it, whatever the reason."""
    kdf = slot["kdf"]
    if kdf["name"] == "kms":
        return None
    if (kdf["name"] == "hkdf") != (credential.raw is not None):
        return None
    salt = from_b64(kdf["salt"], 32, "a salt")
    if kdf["name"] == "hkdf":
        k = hkdf(credential.raw, salt, b"holdfast v1 slot", 32)
    else:
        k = Scrypt(salt=salt, length=32, n=kdf["n"], r=kdf["r"], p=kdf["p"]).derive(credential.passphrase)
    both = hkdf(k, b"", b"holdfast v1 slot wrap", 64)
    if not hmac.compare_digest(both[32:], from_b64(slot["commitment"], 32, "a commitment")):
        return None
    return gcm_open(both[:32], bytes(12), aad, from_b64(slot["wrapped"], 48, "a wrapped key"))


def raw_key_id(key):
    return hkdf(key, b"", b"holdfast v1 key id", 8).hex()


# ── zstd (RFC 8878): used where the system has none ──────────────────────────────────────────────────────────


def length_codes(plain, first, extras):
    table = [(first + i, 0) for i in range(plain)]
    base = first + plain
    for bits in extras:
        table.append((base, bits))
        base += 1 << bits
    return table


LITERAL_LENGTHS = length_codes(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
MATCH_LENGTHS = length_codes(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])


class BackwardBits:
    """Reads bits from the high end backwards; beyond the beginning there are zeros, and `left` is negative."""

    def __init__(self, data):
        need(len(data) > 0 and data[-1] != 0, "a zstd bit stream has no end mark")
        self.data = data
        self.left = (len(data) - 1) * 8 + data[-1].bit_length() - 1
        # Bits [held_from, left) are in `held`.
        self.held = 0
        self.held_from = self.left

    def read(self, count):
        if count == 0:
            return 0
        low = self.left - count
        if low < self.held_from:
            self.refill(low)
        self.left = low
        value = self.held >> (low - self.held_from)
        self.held &= (1 << (low - self.held_from)) - 1
        return value

    def refill(self, low):
        start = max(0, low // 8 - 32) if low >= 0 else low // 8
        first = max(0, start)
        chunk = int.from_bytes(self.data[first : (self.left + 7) // 8], "little") << (8 * (first - start))
        self.held_from = start * 8
        self.held = chunk & ((1 << (self.left - self.held_from)) - 1)


class FseTable:
    def __init__(self, norm, log):
        size = 1 << log
        symbols = [0] * size
        high = size
        for symbol, probability in enumerate(norm):
            if probability < 0:
                high -= 1
                symbols[high] = symbol
        step, at = (size >> 1) + (size >> 3) + 3, 0
        for symbol, probability in enumerate(norm):
            for _ in range(max(0, probability)):
                symbols[at] = symbol
                at = (at + step) & (size - 1)
                while at >= high:
                    at = (at + step) & (size - 1)
        need(at == 0, "a zstd table does not add up")
        following = [1 if probability < 0 else probability for probability in norm]
        self.log, self.symbols, self.bits, self.base = log, symbols, [], []
        for symbol in symbols:
            value = following[symbol]
            following[symbol] += 1
            bits = log - (value.bit_length() - 1)
            self.bits.append(bits)
            self.base.append((value << bits) - size)

    @staticmethod
    def single(symbol):
        table = FseTable.__new__(FseTable)
        table.log, table.symbols, table.bits, table.base = 0, [symbol], [0], [0]
        return table


def read_fse_table(data, start, max_log, max_symbol):
    """A table as it is described in a block, and where the description ends."""
    word = int.from_bytes(data[start : start + 512], "little")
    end = (len(data) - start) * 8
    log = (word & 15) + 5
    at, remaining, norm = 4, 1 << log, []
    need(log <= max_log, "a zstd table is too fine")
    while remaining > 0:
        need(len(norm) <= max_symbol, "a zstd table has too many symbols")
        count = (remaining + 1).bit_length()
        value = word >> at & ((1 << count) - 1)
        at += count
        lower = (1 << (count - 1)) - 1
        threshold = (1 << count) - 1 - (remaining + 1)
        if value & lower < threshold:
            at -= 1
            value &= lower
        elif value > lower:
            value -= threshold
        norm.append(value - 1)
        remaining -= abs(value - 1)
        while value == 1:
            more = word >> at & 3
            at += 2
            norm.extend([0] * more)
            if more < 3:
                break
        need(at <= end, "a zstd table is cut short")
    need(remaining == 0 and len(norm) <= max_symbol + 1, "a zstd table does not add up")
    return FseTable(norm, log), start + (at + 7) // 8


PREDEFINED = {
    "literal": FseTable([4, 3] + [2] * 11 + [1] * 3 + [2] * 9 + [3, 2] + [1] * 5 + [-1] * 4, 6),
    "offset": FseTable([1] * 6 + [2] * 3 + [1] * 15 + [-1] * 5, 5),
    "match": FseTable([1, 4, 3] + [2] * 6 + [1] * 37 + [-1] * 7, 6),
}
CUT_SHORT = "a zstd block is cut short"


def read_huffman_table(data, start):
    need(start < len(data), CUT_SHORT)
    header = data[start]
    weights = []
    if header >= 128:
        count = header - 127
        end = start + 1 + (count + 1) // 2
        need(end <= len(data), CUT_SHORT)
        for i in range(count):
            pair = data[start + 1 + i // 2]
            weights.append(pair & 15 if i & 1 else pair >> 4)
    else:
        end = start + 1 + header
        need(end <= len(data), CUT_SHORT)
        table, table_end = read_fse_table(data[:end], start + 1, 6, 255)
        bits = BackwardBits(data[table_end:end])
        states = [bits.read(table.log), bits.read(table.log)]
        turn = 0
        while True:
            need(len(weights) < 255, "a zstd table has too many symbols")
            state = states[turn]
            weights.append(table.symbols[state])
            states[turn] = table.base[state] + bits.read(table.bits[state])
            if bits.left < 0:
                weights.append(table.symbols[states[turn ^ 1]])
                break
            turn ^= 1
    total = sum(1 << (weight - 1) for weight in weights if weight)
    need(total > 0, "a zstd table does not add up")
    log = total.bit_length()
    rest = (1 << log) - total
    need(log <= 11 and rest & (rest - 1) == 0 and len(weights) < 256, "a zstd table does not add up")
    weights.append(rest.bit_length())
    cells = []
    for weight in range(1, log + 1):
        for symbol, one in enumerate(weights):
            if one == weight:
                cells.extend([(symbol, log + 1 - weight)] * (1 << (weight - 1)))
    return (log, cells), end


def huffman_stream(table, data, size):
    """Decodes `size` literals. Bits are held in an int that is refilled in large steps."""
    log, cells = table
    need(len(data) > 0 and data[-1] != 0, "a zstd bit stream has no end mark")
    left = (len(data) - 1) * 8 + data[-1].bit_length() - 1
    out = bytearray(size)
    mask = (1 << log) - 1
    # `held` has `log` zeros below what is left, so that a code can be looked at beyond the beginning.
    low = left
    held = 0
    for i in range(size):
        if left - log < low and low > 0:
            first = max(0, low // 8 - 32) * 8
            held = int.from_bytes(data[first // 8 : (left + 7) // 8], "little") & ((1 << (left - first)) - 1)
            low = first
        shift = left - log - low
        code = (held >> shift if shift >= 0 else held << -shift) & mask
        symbol, length = cells[code]
        out[i] = symbol
        left -= length
        if left < low:
            need(left >= 0, "a zstd literal stream is cut short")
    need(left == 0, "a zstd literal stream does not end where it should")
    return bytes(out)


class ZstdBlocks:
    """Decodes blocks of one frame. `history` holds the dictionary and the last bytes given out."""

    def __init__(self, window_bytes, dictionary):
        self.keep = window_bytes + len(dictionary)
        self.history = bytearray(dictionary)
        self.huffman = None
        self.tables = {"literal": None, "offset": None, "match": None}
        self.repeats = [1, 4, 8]

    def trim(self):
        if len(self.history) > self.keep + 2**22:
            del self.history[: len(self.history) - self.keep]

    def plain(self, data):
        self.trim()
        self.history += data
        return data

    def compressed(self, data, max_bytes):
        self.trim()
        start = len(self.history)
        literals, end = self.literals(data, max_bytes)
        self.sequences(data, end, literals, start + max_bytes)
        return bytes(self.history[start:])

    def literals(self, data, max_bytes):
        need(len(data) > 0, "a zstd block is empty")
        kind, form = data[0] & 3, data[0] >> 2 & 3
        head = ([1, 2, 1, 3] if kind < 2 else [3, 3, 4, 5])[form]
        need(len(data) >= head, CUT_SHORT)
        field = int.from_bytes(data[:head], "little")
        if kind < 2:
            size = field >> [3, 4, 3, 4][form]
            end = head + (size if kind == 0 else 1)
            need(size <= max_bytes and end <= len(data), CUT_SHORT)
            return (data[head:end] if kind == 0 else data[head:end] * size), end
        bits = [10, 10, 14, 18][form]
        size = field >> 4 & ((1 << bits) - 1)
        end = head + (field >> (4 + bits))
        need(size <= max_bytes and end <= len(data), CUT_SHORT)
        at = head
        if kind == 2:
            self.huffman, at = read_huffman_table(data[:end], at)
        need(self.huffman is not None, "a zstd block needs a table that never came")
        if form == 0:
            return huffman_stream(self.huffman, data[at:end], size), end
        need(at + 6 <= end, CUT_SHORT)
        quarter, parts, start = (size + 3) // 4, [], at + 6
        for i in range(4):
            stop = start + int.from_bytes(data[at + 2 * i : at + 2 * i + 2], "little") if i < 3 else end
            need(stop <= end and i * quarter <= size, CUT_SHORT)
            many = min(size, (i + 1) * quarter) - i * quarter if i < 3 else size - 3 * quarter
            parts.append(huffman_stream(self.huffman, data[start:stop], many))
            start = stop
        return b"".join(parts), end

    def table_for(self, name, mode, data, at, max_log, max_symbol):
        if mode == 0:
            self.tables[name] = PREDEFINED[name]
        elif mode == 1:
            need(at < len(data) and data[at] <= max_symbol, CUT_SHORT)
            self.tables[name] = FseTable.single(data[at])
            at += 1
        elif mode == 2:
            self.tables[name], at = read_fse_table(data, at, max_log, max_symbol)
        need(self.tables[name] is not None, "a zstd block needs a table that never came")
        return at

    def sequences(self, data, start, literals, limit):
        need(start < len(data), CUT_SHORT)
        count, at = data[start], start + 1
        if count == 255:
            need(at + 2 <= len(data), CUT_SHORT)
            count = int.from_bytes(data[at : at + 2], "little") + 0x7F00
            at += 2
        elif count >= 128:
            need(at < len(data), CUT_SHORT)
            count = (count - 128 << 8) + data[at]
            at += 1
        history, taken = self.history, 0
        if count > 0:
            need(at < len(data) and data[at] & 3 == 0, "a zstd block has reserved bits set")
            modes = data[at]
            at = self.table_for("literal", modes >> 6, data, at + 1, 9, 35)
            at = self.table_for("offset", modes >> 4 & 3, data, at, 8, 31)
            at = self.table_for("match", modes >> 2 & 3, data, at, 9, 52)
            literal, offset, match = (self.tables[name] for name in ("literal", "offset", "match"))
            bits = BackwardBits(data[at:])
            read = bits.read
            state_l, state_o, state_m = read(literal.log), read(offset.log), read(match.log)
            for i in range(count):
                code = offset.symbols[state_o]
                value = (1 << code) + read(code)
                base, extra = MATCH_LENGTHS[match.symbols[state_m]]
                match_length = base + read(extra)
                base, extra = LITERAL_LENGTHS[literal.symbols[state_l]]
                literal_length = base + read(extra)
                if i + 1 < count:
                    state_l = literal.base[state_l] + read(literal.bits[state_l])
                    state_m = match.base[state_m] + read(match.bits[state_m])
                    state_o = offset.base[state_o] + read(offset.bits[state_o])
                need(bits.left >= 0, "a zstd bit stream is cut short")
                need(taken + literal_length <= len(literals), "a zstd block takes more literals than it has")
                need(
                    len(history) + literal_length + match_length <= limit,
                    "a zstd block gives more than it may",
                )
                history += literals[taken : taken + literal_length]
                taken += literal_length
                self.copy_match(self.offset_of(value, literal_length), match_length)
            need(bits.left == 0, "a zstd bit stream does not end where it should")
        else:
            need(at == len(data), "a zstd block has bytes behind its end")
        need(len(history) + len(literals) - taken <= limit, "a zstd block gives more than it may")
        history += literals[taken:]

    def offset_of(self, value, literal_length):
        first, second, third = self.repeats
        if value > 3:
            offset = value - 3
        else:
            index = value - 1 + (literal_length == 0)
            if index == 0:
                return first
            offset = (second, third, first - 1)[index - 1]
            if index == 1:
                self.repeats = [second, first, third]
                return offset
        self.repeats = [offset, first, second]
        return offset

    def copy_match(self, offset, length):
        history = self.history
        end = len(history)
        need(0 < offset <= min(end, self.keep), "a zstd match reaches too far back")
        start = end - offset
        if offset >= length:
            history += history[start : start + length]
        else:
            piece = bytes(history[start:end])
            history += (piece * (length // offset + 1))[:length]


def zstd_frames(read, max_window_bytes, dictionary=b""):
    """Gives the bytes of frames, block by block. `read(n)` gives exactly n bytes; None where the input ends there."""
    while True:
        magic = read(4, True)
        if magic is None:
            return
        number = int.from_bytes(magic, "little")
        if 0x184D2A50 <= number <= 0x184D2A5F:
            read(int.from_bytes(read(4), "little"))
            continue
        need(number == 0xFD2FB528, "something is no zstd frame")
        descriptor = read(1)[0]
        need(descriptor & 8 == 0, "a zstd frame has reserved bits set")
        is_single = descriptor & 32 != 0
        window_bytes = 0
        if not is_single:
            byte = read(1)[0]
            window_bytes = (1 << (10 + (byte >> 3))) // 8 * (8 + (byte & 7))
        read((0, 1, 2, 4)[descriptor & 3])
        size_bytes = (int(is_single), 2, 4, 8)[descriptor >> 6]
        content_bytes = None
        if size_bytes:
            content_bytes = int.from_bytes(read(size_bytes), "little") + (256 if size_bytes == 2 else 0)
            if is_single:
                window_bytes = content_bytes
        need(window_bytes <= max_window_bytes, "a zstd frame asks for too large a window")
        max_block_bytes = min(2**17, max(window_bytes, 1))
        blocks = ZstdBlocks(window_bytes, dictionary)
        given, last = 0, False
        while not last:
            head = int.from_bytes(read(3), "little")
            last, kind, size = head & 1 == 1, head >> 1 & 3, head >> 3
            need(kind != 3 and size <= max_block_bytes, "a zstd block is too large")
            if kind == 0:
                output = blocks.plain(read(size))
            elif kind == 1:
                output = blocks.plain(read(1) * size)
            else:
                output = blocks.compressed(read(size), max_block_bytes)
            given += len(output)
            if output:
                yield output
        need(content_bytes in (None, given), "a zstd frame has another size than it says")
        # The checksum is not looked at: everything decoded here is checked by something stronger.
        if descriptor & 4:
            read(4)


class BuiltinZstd:
    def decode(self, data, max_bytes, dictionary=b""):
        at = 0

        def read(count, may_end=False):
            nonlocal at
            if may_end and at == len(data):
                return None
            need(at + count <= len(data), "a zstd frame is cut short")
            at += count
            return data[at - count : at]

        parts, total = [], 0
        for part in zstd_frames(read, 2**27, dictionary):
            total += len(part)
            need(total <= max_bytes, "a zstd frame gives more than it may")
            parts.append(part)
        return b"".join(parts)

    def stream(self, pieces):
        reader = ByteReader(pieces)

        def read(count, may_end=False):
            return None if may_end and reader.at_end() else reader.exactly(count)

        yield from zstd_frames(read, 2**23)


class SystemZstd:
    """libzstd through its stable interface."""

    class Buffer(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t)]

    def __init__(self):
        try:
            library = ctypes.CDLL("libzstd.so.1")
        except OSError:
            library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.dylib")
        size, pointer = ctypes.c_size_t, ctypes.c_void_p
        for function, result, arguments in (
            ("ZSTD_createDCtx", pointer, []),
            ("ZSTD_freeDCtx", size, [pointer]),
            ("ZSTD_isError", ctypes.c_uint, [size]),
            (
                "ZSTD_decompress_usingDict",
                size,
                [pointer, pointer, size, ctypes.c_char_p, size, ctypes.c_char_p, size],
            ),
            ("ZSTD_DCtx_setParameter", size, [pointer, ctypes.c_int, ctypes.c_int]),
            ("ZSTD_decompressStream", size, [pointer, pointer, pointer]),
        ):
            entry = getattr(library, function)
            entry.restype, entry.argtypes = result, arguments
        self.library = library
        self.context = library.ZSTD_createDCtx()

    def decode(self, data, max_bytes, dictionary=b""):
        data = bytes(data)
        target = ctypes.create_string_buffer(self.room(data, max_bytes))
        size = self.library.ZSTD_decompress_usingDict(
            self.context, target, len(target), data, len(data), bytes(dictionary), len(dictionary)
        )
        need(not self.library.ZSTD_isError(size), "something does not decompress")
        return ctypes.string_at(target, size)

    @staticmethod
    def room(data, max_bytes):
        """What the frame says it holds, where that is less than may come out."""
        if max_bytes <= 2**22 or len(data) < 14 or data[4] >> 6 == 0 and data[4] & 32 == 0:
            return max(1, max_bytes)
        descriptor = data[4]
        at = 5 + (descriptor & 32 == 0) + (0, 1, 2, 4)[descriptor & 3]
        size_bytes = (1, 2, 4, 8)[descriptor >> 6]
        stated = int.from_bytes(data[at : at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
        return max(1, min(max_bytes, stated))

    def stream(self, pieces):
        library = self.library
        context = library.ZSTD_createDCtx()
        window_log_max = 100
        try:
            library.ZSTD_DCtx_setParameter(context, window_log_max, 23)
            target = ctypes.create_string_buffer(2**17)
            hint = 0
            for piece in pieces:
                piece = bytes(piece)
                source = ctypes.create_string_buffer(piece, len(piece))
                given = self.Buffer(ctypes.addressof(source), len(piece), 0)
                is_full = False
                while given.at < given.size or is_full:
                    out = self.Buffer(ctypes.addressof(target), len(target), 0)
                    hint = library.ZSTD_decompressStream(context, ctypes.byref(out), ctypes.byref(given))
                    need(not library.ZSTD_isError(hint), "the bundle does not decompress")
                    is_full = out.at == out.size
                    if out.at:
                        yield ctypes.string_at(target, out.at)
            need(hint == 0, "the bundle does not decompress")
        finally:
            library.ZSTD_freeDCtx(context)


class PythonZstd:
    """compression.zstd, from Python 3.14 on."""

    def __init__(self):
        from compression import zstd  # type: ignore[import-not-found]

        self.zstd = zstd

    def decode(self, data, max_bytes, dictionary=b""):
        zstd = self.zstd
        try:
            given = {"zstd_dict": zstd.ZstdDict(bytes(dictionary), is_raw=True)} if dictionary else {}
            decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27}, **given)
            plain = decoder.decompress(bytes(data), max_length=max_bytes + 1)
            need(decoder.eof and not decoder.unused_data, "something does not decompress")
        except zstd.ZstdError:
            raise damaged("something does not decompress") from None
        need(len(plain) <= max_bytes, "a zstd frame gives more than it may")
        return plain

    def stream(self, pieces):
        zstd = self.zstd
        decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})
        try:
            for piece in pieces:
                need(not decoder.eof, "the bundle has bytes behind its end")
                yield decoder.decompress(bytes(piece), max_length=2**20)
                while not decoder.needs_input and not decoder.eof:
                    yield decoder.decompress(b"", max_length=2**20)
        except zstd.ZstdError:
            raise damaged("the bundle does not decompress") from None
        need(decoder.eof and not decoder.unused_data, "the bundle does not decompress")


# "this is a dictionary with some other content and hello world", made with the dictionary of the next line.
PROBE = bytes.fromhex("28b52ffd203ca50000406f74686572616e6403004de3630c85aa460501")
PROBE_DICTIONARY = b"hello world this is a dictionary with some content " * 4
PROBE_TEXT = b"this is a dictionary with some other content and hello world"
PLAIN_PROBE = bytes.fromhex("28b52ffd202295000060706c61696e20746578742c200100574a12")
PLAIN_TEXT = b"plain text, plain text, plain text"

zstd = BuiltinZstd()


def choose_zstd(name):
    """The first that decodes the probe; the one in this file where there is no other."""
    global zstd
    kinds = {"auto": (SystemZstd, PythonZstd), "system": (SystemZstd,), "python": (PythonZstd,), "builtin": ()}
    if name not in kinds:
        raise usage(f"--zstd is auto or builtin, not {name}")
    for kind in kinds[name]:
        try:
            candidate = kind()
            decodes = candidate.decode(PROBE, 1000, PROBE_DICTIONARY) == PROBE_TEXT
            if decodes and b"".join(candidate.stream([PLAIN_PROBE[:9], PLAIN_PROBE[9:]])) == PLAIN_TEXT:
                zstd = candidate
                return
        except Exception:  # noqa: BLE001 - whatever a foreign library does, the next one is tried
            continue
    if name not in ("auto", "builtin"):
        raise usage(f"--zstd {name} is not there")


# ── objects on storage (format.md, sections 1 and 2) ─────────────────────────────────────────────────────────

TYPES = {"pack": 1, "index": 2, "manifest": 3, "keyring": 4, "signer": 5}
TYPES |= {"hold": 6, "tombstone": 7, "lease": 8, "evidence": 9}
HEADER_BYTES = 92
SEGMENT_BYTES = 2**20 + 16
MAX_PAYLOAD_BYTES = 2**28


def list_files(root, prefix):
    names = []
    for folder, _, files in os.walk(os.path.join(root, prefix)):
        below = os.path.relpath(folder, root)
        names += [name if below == "." else f"{below}/{name}" for name in files]
    return sorted(name for name in names if os.path.isfile(os.path.join(root, name)))


def read_file(root, name):
    try:
        with open(os.path.join(root, name), "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise failed(f"{os.path.join(root, name)} cannot be read: {error.strerror}") from None


class Store:
    """A folder of objects; `spare` is the recovery kit's copy of the small ones, or None."""

    def __init__(self, folder, spare):
        self.folder, self.spare = folder, spare

    def list(self, prefix):
        return list_files(self.folder, prefix)

    def get(self, name):
        return read_file(self.folder, name)

    def list_head(self, prefix):
        """Names with the kit's added."""
        return sorted({*self.list(prefix), *(list_files(self.spare, prefix) if self.spare else [])})

    def copies(self, name):
        """All there is of one of the small objects, the destination's own first."""
        found = [self.get(name), read_file(self.spare, name) if self.spare else None]
        found = [one for one in found if one is not None]
        return found[:1] if len(found) == 2 and found[0] == found[1] else found

    def size_of(self, name):
        try:
            return os.stat(os.path.join(self.folder, name)).st_size
        except OSError:
            return None

    def open(self, name):
        return open(os.path.join(self.folder, name), "rb")


def open_header(data, kind, repository_id, master_key_of):
    """The object key, once the header proved to belong to type, repository and master key."""
    need(len(data) >= HEADER_BYTES and data[:4] == b"HFST", "an object has no header")
    if data[4] != 1 or data[6] != 0:
        raise failed("an object was written by a later version of Holdfast")
    need(data[7] == 0 and data[5] == TYPES[kind], f"an object is not the {kind} it should be")
    need(data[12:28] == repository_id, "an object belongs to another repository")
    epoch = int.from_bytes(data[8:12], "little")
    info = b"holdfast v1 object" + data[5:6] + repository_id
    both = hkdf(master_key_of(epoch), data[28:60], info, 64)
    is_ours = hmac.compare_digest(both[32:], bytes(data[60:92]))
    need(is_ours, f"an object is not sealed under the key of epoch {epoch}")
    return both[:32], bytes(data[:HEADER_BYTES]), epoch


def open_sealed(data, kind, repository_id, master_key_of):
    key, header, epoch = open_header(data, kind, repository_id, master_key_of)
    need(len(data) <= 2 * MAX_PAYLOAD_BYTES, "a sealed object is too large")
    parts = []
    for i, at in enumerate(range(HEADER_BYTES, max(len(data), HEADER_BYTES + 1), SEGMENT_BYTES)):
        is_last = at + SEGMENT_BYTES >= len(data)
        nonce = counter_nonce(0x01000000 if is_last else 0, i)
        plain = gcm_open(key, nonce, header, data[at : at + SEGMENT_BYTES])
        need(plain is not None, f"a {kind} is not authentic")
        parts.append(plain)
    plain = b"".join(parts)
    need(0 < len(plain) <= MAX_PAYLOAD_BYTES + 1, "a sealed object is too large")
    if plain[0] == 0:
        return plain[1:], epoch
    need(plain[0] == 1, f"a {kind} has an unknown encoding")
    return zstd.decode(plain[1:], MAX_PAYLOAD_BYTES), epoch


# ── opening a repository (sections 3 and 7) ──────────────────────────────────────────────────────────────────

WRONG_KEY = "no key given opens this"


def epoch_name(folder, epoch):
    return f"{folder}/{epoch:08d}"


def first_good(name, copies, read):
    """Runs `read` on each copy until one is good; raises what the first one was refused for."""
    failure = None
    for data in copies:
        try:
            return read(data)
        except Failure as error:
            failure = failure or error
    if failure:
        raise Failure(failure.kind, f"{name}: {failure.message}")
    raise damaged(f"{name} is missing")


def read_config(data):
    config = parse_json(data, "config")
    if is_integer(config.get("format"), 2, MAX_SAFE):
        raise failed(f"the repository has format {config['format']}: use the decoder of a later version")
    need(config.get("format") == 1, "config has no format")
    uuid_bytes(config.get("repositoryId"), "the repository id")
    return config


def read_slot(data, name):
    need(len(data) <= 65_536, "a key slot is too large")
    slot = parse_json(data, "a key slot")
    if is_integer(slot.get("version"), 2, MAX_SAFE):
        raise failed("a key slot was written by a later version")
    need(slot.get("version") == 1 and is_integer(slot.get("epoch"), 1, 99_999_999), "a key slot is malformed")
    need(name == f"keys/{slot.get('slotId')}", "a key slot lies under another name")
    uuid_bytes(slot["slotId"], "a slot id")
    check_wrapped(slot, 2**26)
    return slot


def slot_aad(slot, repository_id):
    epoch = slot["epoch"].to_bytes(4, "little")
    return b"holdfast v1 slot" + repository_id + epoch + uuid_bytes(slot["slotId"], "a slot id")


def read_keyring(data, epoch, master_key, repository_id):
    payload, sealed_epoch = open_sealed(data, "keyring", repository_id, lambda _: master_key)
    ring = parse_json(payload, "a keyring")
    is_right = ring.get("version") == 1 and ring.get("epoch") == epoch == sealed_epoch
    need(is_right, "a keyring is of another epoch")
    is_right = uuid_bytes(ring.get("repositoryId"), "the repository id") == repository_id
    need(is_right, "a keyring is of another repository")
    master_keys = {one["epoch"]: from_b64(one["masterKey"], 32, "a master key") for one in ring["previous"]}
    master_keys[epoch] = master_key
    return master_keys, from_b64(ring["secret"], 32, "the repository secret")


class Repository:
    def __init__(self, store, options):
        self.store = store
        config = first_good("config", store.copies("config"), read_config)
        self.id_text = config["repositoryId"]
        self.id = uuid_bytes(self.id_text, "the repository id")
        if not options.credentials:
            raise Failure("key", "no key was given: set BACKUP_ENCRYPTION_KEY or --key-file")
        self.epoch, self.master_keys, secret = self.unlock(options)
        self.chunk_id_key = hkdf(secret, b"", b"holdfast v1 chunk id", 32)
        self.signers = self.list_signers(options)

    def master_key_of(self, epoch):
        if epoch not in self.master_keys:
            raise Failure("key", f"no key given opens epoch {epoch}")
        return self.master_keys[epoch]

    def unlock(self, options):
        """Tries slots, newest epoch first and fitting key ids before others."""
        slots = []
        for name in self.store.list_head("keys/"):
            try:
                slot = first_good(name, self.store.copies(name), lambda data, name=name: read_slot(data, name))
                if slot.get("repositoryId") == self.id_text:
                    slots.append(slot)
                else:
                    options.warn(f"{name}: belongs to another repository")
            except Failure as error:
                options.warn(error.message)
        if not slots:
            raise damaged("there is no key slot that belongs to this repository")

        def rank(pair):
            slot, credential = pair
            fits = credential.raw is not None and raw_key_id(credential.raw) == slot.get("keyId")
            return -slot["epoch"], not fits

        failure = None
        for slot, credential in sorted(((s, c) for s in slots for c in options.credentials), key=rank):
            master_key = unwrap_key(slot, credential, slot_aad(slot, self.id))
            if master_key is None:
                continue
            epoch = slot["epoch"]
            name = epoch_name("keyrings", epoch)

            def read(data, epoch=epoch, master_key=master_key):
                return read_keyring(data, epoch, master_key, self.id)

            try:
                return (epoch, *first_good(name, self.store.copies(name), read))
            except Failure as error:
                failure = failure or error
        if failure:
            raise failure
        newest = max(slot["epoch"] for slot in slots)
        current = [slot for slot in slots if slot["epoch"] == newest]
        ids = [
            printable(f"{slot.get('keyId')} ({slot['label']})" if slot.get("label") else slot.get("keyId"))
            for slot in current
        ]
        tried = ", ".join(f"keys/{slot['slotId']}" for slot in current)
        raise Failure("key", f"{WRONG_KEY} repository; it needs key {' or '.join(ids)}; tried {tried}")

    def read_signer(self, data, name):
        payload, epoch = open_sealed(data, "signer", self.id, self.master_key_of)
        signer = parse_json(payload, "a signer")
        public_key = from_b64(signer.get("publicKey"), 32, "a public key")
        fingerprint = sha256(public_key).hex()
        is_right = epoch_name("signers", epoch) == name[: name.rindex("/")] and signer.get("version") == 1
        need(is_right, "a signer is of another epoch")
        is_right = signer.get("fingerprint") == fingerprint and name.endswith(f"/{fingerprint}")
        need(is_right, "a signer lies under another fingerprint")
        return fingerprint, (public_key, signer.get("retiredAt"))

    def list_signers(self, options):
        """Who may have signed: of the repository, narrowed down to what the recovery kit names."""
        known = {}
        for name in self.store.list_head(f"{epoch_name('signers', self.epoch)}/"):
            try:
                read = lambda data, name=name: self.read_signer(data, name)  # noqa: E731
                fingerprint, signer = first_good(name, self.store.copies(name), read)
                known[fingerprint] = signer
            except Failure as error:
                options.warn(error.message)
        if options.trusted is None:
            return known
        accepted = {}
        for fingerprint, public_key in options.trusted.items():
            if fingerprint in known:
                accepted[fingerprint] = known[fingerprint]
            elif public_key is not None:
                accepted[fingerprint] = (public_key, None)
        return accepted


# ── manifests (section 7) ────────────────────────────────────────────────────────────────────────────────────

ID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MANIFEST_NAME = re.compile(
    r"(backups|archived)/([^/]+)/(\d{4})/(\d{2})/(\d{2})/(db|storage|full)"
    rf"_(\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}-\d{{2}}-\d{{2}}-\d{{3}}Z)_({ID})"
)


def path_of(manifest):
    started = manifest["startedAt"]
    tenant = manifest["tenantId"] if manifest["tenantId"] is not None else "global"
    stamp = started.replace(":", "-").replace(".", "-")
    return f"{tenant}/{started[:10].replace('-', '/')}/{manifest['type']}_{stamp}_{manifest['id']}"


def check_manifest(manifest, is_in_bundle):
    """The parts every reader depends on, checked; in a bundle the rest of the manifest only informs."""
    artifacts = manifest.get("artifacts")
    need(isinstance(manifest.get("id"), str) and isinstance(artifacts, list), "a manifest is malformed")
    if not is_in_bundle:
        is_right = manifest.get("version") == 1 and isinstance(manifest.get("startedAt"), str)
        need(is_right, "a manifest is not of version 1")
        tenant = manifest.get("tenantId")
        need(tenant is None or isinstance(tenant, str), "a manifest has a malformed tenant")
    for artifact in artifacts:
        need(isinstance(artifact, dict), "an artifact is malformed")
        need(isinstance(artifact.get("name"), str) and artifact["name"] != "", "an artifact has no name")
        need(artifact.get("form") in ("stream", "tree"), "an artifact is of an unknown form")
        need(is_integer(artifact.get("sizeBytes"), 0, MAX_SAFE), "an artifact is malformed")
        need(re.fullmatch(r"[0-9a-f]{64}", str(artifact.get("sha256"))), "an artifact is malformed")
        if is_in_bundle:
            continue
        content = artifact.get("content")
        need(isinstance(content, dict), "a content is malformed")
        is_right = is_integer(content.get("depth"), 0, 4) and is_integer(content.get("sizeBytes"), 0, MAX_SAFE)
        need(is_right, "a content is malformed")
        refs = from_b64(content.get("refs"), None, "a list of references")
        need(len(refs) % 36 == 0 and len(refs) <= 4096 * 36, "a list of references is malformed")
        artifact["content"] = (content["depth"], content["sizeBytes"], refs)
    return manifest


def read_manifest(repository, name, data):
    payload, _ = open_sealed(data, "manifest", repository.id, repository.master_key_of)
    need(len(payload) > 96, "a manifest is cut short")
    signature, fingerprint, text = payload[:64], payload[64:96].hex(), payload[96:]
    need(fingerprint in repository.signers, f"is signed by {fingerprint}, who is not among the signers")
    public_key, retired_at = repository.signers[fingerprint]
    message = b"holdfast v1 manifest" + repository.id + text
    need(ed25519_verifies(public_key, message, signature), "has a signature that does not match")
    manifest = check_manifest(parse_json(text, "a manifest"), False)
    need(manifest.get("repositoryId") == repository.id_text, "belongs to another repository")
    state, path = name.split("/", 1)
    need(path == path_of(manifest), "lies where it does not belong")
    is_in_time = not retired_at or manifest["startedAt"] <= retired_at
    need(is_in_time, "was signed by a signer retired before it began")
    return {**manifest, "state": state, "signedBy": fingerprint}


def read_manifests(repository, reject):
    """Every manifest that counts, newest first. What does not is told to `reject`."""
    store, names = repository.store, set()
    for state in ("backups", "archived"):
        names.update(store.list(f"{state}/"))
        names.update(name[len("resealed/") :] for name in store.list(f"resealed/{state}/"))
    found = {}
    for name in sorted(names, reverse=True):
        if not MANIFEST_NAME.fullmatch(name):
            reject(name, "is not the name of a manifest")
            continue
        try:
            data = store.get(name)
            manifest = read_manifest(repository, name, store.get(f"resealed/{name}") if data is None else data)
            # One that lies in both folders counts as not archived; `backups/` comes first here.
            found.setdefault(manifest["id"], manifest)
        except Failure as error:
            reject(name, error.message)
    return sorted(found.values(), key=lambda one: (one["startedAt"], one["id"]), reverse=True)


def chosen(manifests, text):
    """The one backup that is named. `manifests` come newest first."""
    if text == "latest":
        for manifest in manifests:
            if manifest["state"] == "backups":
                return manifest
        raise usage("there is no backup")
    found = [manifest for manifest in manifests if manifest["id"].startswith(text)]
    if len(found) == 1:
        return found[0]
    many = "several backups have" if found else "no backup has"
    raise usage(f"{many} an id that begins with {printable(text)}")


# ── chunks (sections 4 to 6) ─────────────────────────────────────────────────────────────────────────────────

TABLE_BROKEN = "the table of a pack does not add up"


class Block:
    __slots__ = ("pack", "number", "offset", "stored", "plain", "encoding", "bases", "lengths")


def read_table(pack, table):
    """Blocks of a pack's table, each with the ids of its chunks."""
    at, offset = 4, HEADER_BYTES
    need(len(table) >= 4, TABLE_BROKEN)
    blocks = []
    for number in range(int.from_bytes(table[:4], "little")):
        need(at + 9 <= len(table), TABLE_BROKEN)
        block = Block()
        block.pack, block.number, block.offset = pack, number, offset
        block.stored = int.from_bytes(table[at : at + 4], "little")
        block.plain = int.from_bytes(table[at + 4 : at + 8], "little")
        block.encoding = table[at + 8]
        block.bases = ()
        at += 9
        if block.encoding > 2:
            raise failed("a block was written by a later version of Holdfast")
        if block.encoding == 2:
            need(at < len(table) and 1 <= table[at] <= 4, TABLE_BROKEN)
            end = at + 1 + 32 * table[at]
            need(end <= len(table), TABLE_BROKEN)
            block.bases = tuple(table[i : i + 32] for i in range(at + 1, end, 32))
            at = end
        need(at + 2 <= len(table), TABLE_BROKEN)
        count = int.from_bytes(table[at : at + 2], "little")
        at += 2
        need(at + 36 * count <= len(table), TABLE_BROKEN)
        ids = [table[i : i + 32] for i in range(at, at + 36 * count, 36)]
        block.lengths = [int.from_bytes(table[i + 32 : i + 36], "little") for i in range(at, at + 36 * count, 36)]
        at += 36 * count
        is_sound = count > 0 and sum(block.lengths) == block.plain <= 2**22
        need(is_sound and (block.encoding != 2 or count == 1), TABLE_BROKEN)
        offset += block.stored
        blocks.append((block, ids))
    need(at == len(table), TABLE_BROKEN)
    return blocks


def pack_name(pack):
    return f"packs/{pack[:2]}/{pack}"


class Pack:
    def __init__(self, repository, pack):
        self.file = repository.store.open(pack_name(pack))
        try:
            head = self.file.read(HEADER_BYTES)
            self.key, self.header, _ = open_header(head, "pack", repository.id, repository.master_key_of)
        except BaseException:
            self.file.close()
            raise

    def read(self, at, length):
        self.file.seek(at)
        data = self.file.read(length)
        need(len(data) == length, "a pack is cut short")
        return data


def own_table(repository, pack):
    """A pack's own table, from its end."""
    size = repository.store.size_of(pack_name(pack))
    need(size is not None and size >= HEADER_BYTES + 8, "a pack is cut short")
    opened = Pack(repository, pack)
    try:
        footer = opened.read(size - 8, 8)
        length = int.from_bytes(footer[:4], "little")
        is_sound = footer[4:] == b"HFPE" and length <= size - HEADER_BYTES - 8
        need(is_sound, "a pack does not end in a footer")
        stored = opened.read(size - 8 - length, length)
        table = gcm_open(opened.key, counter_nonce(1, 0), opened.header, stored)
        need(table is not None, "the table of a pack is not authentic")
        return table
    finally:
        opened.file.close()


class Chunks:
    """Gives chunks, each checked against its id. The index is read first, then packs that no index lists."""

    CACHE_BYTES = 64 * 2**20
    OPEN_PACKS = 32

    def __init__(self, repository, warn):
        self.repository = repository
        # Chunk id → (block, position), or a list of several such places.
        self.places = {}
        self.packs = OrderedDict()
        self.cache = OrderedDict()
        self.cached_bytes = 0
        self.load(warn)

    def load(self, warn):
        store, listed, missing = self.repository.store, set(), {}
        there = {name.rsplit("/", 1)[1]: name for name in store.list("packs/")}
        for name in store.list("index/"):
            try:
                for pack, table in read_index(self.repository, name):
                    if pack not in there:
                        missing[pack_name(pack)] = True
                    elif pack not in listed:
                        self.add(pack, table)
                        listed.add(pack)
            except Failure as error:
                warn(f"{name}: {error.message}; the packs' own tables are used")
        for name in missing:
            warn(f"{name} is missing: an index lists it")
        for pack, name in there.items():
            if pack in listed or not re.fullmatch("[0-9a-f]{64}", pack) or pack_name(pack) != name:
                continue
            try:
                self.add(pack, own_table(self.repository, pack))
            except Failure as error:
                warn(f"{name}: {error.message}")

    def add(self, pack, table):
        places = self.places
        for block, ids in read_table(pack, table):
            for position, chunk_id in enumerate(ids):
                place = (block, position)
                before = places.setdefault(chunk_id, place)
                if before is not place:
                    places[chunk_id] = [*before, place] if isinstance(before, list) else [before, place]

    def pack(self, name):
        pack = self.packs.get(name)
        if pack is None:
            if len(self.packs) >= self.OPEN_PACKS:
                self.packs.popitem(last=False)[1].file.close()
            pack = self.packs[name] = Pack(self.repository, name)
        return pack

    def decode(self, block):
        key = (block.pack, block.number)
        plain = self.cache.get(key)
        if plain is not None:
            self.cache.move_to_end(key)
            return plain
        pack = self.pack(block.pack)
        stored = pack.read(block.offset, block.stored)
        record = gcm_open(pack.key, counter_nonce(0, block.number), pack.header, stored)
        need(record is not None and record[:1] == bytes([block.encoding]), f"block {block.number} is not authentic")
        if block.encoding == 0:
            plain = record[1:]
        elif block.encoding == 1:
            plain = zstd.decode(record[1:], block.plain)
        else:
            joined = b"".join(self.chunk(base, False) for base in block.bases)
            is_sound = 64 <= len(joined) <= 2**20 and joined[:4] != bytes.fromhex("37a430ec")
            need(is_sound, "the bases of a difference cannot be its dictionary")
            plain = zstd.decode(record[1:], block.plain, joined)
        need(len(plain) == block.plain, f"block {block.number} has another length than its table says")
        self.cache[key] = plain
        self.cached_bytes += len(plain)
        while self.cached_bytes > self.CACHE_BYTES and len(self.cache) > 1:
            self.cached_bytes -= len(self.cache.popitem(last=False)[1])
        return plain

    def chunk(self, chunk_id, may_be_difference=True):
        """The first good copy of a chunk. Bases of differences are no differences."""
        found = self.places.get(chunk_id, [])
        failure = None
        for block, position in found if isinstance(found, list) else [found]:
            if block.encoding == 2 and not may_be_difference:
                continue
            try:
                plain = self.decode(block)
                start = sum(block.lengths[:position])
                data = plain[start : start + block.lengths[position]]
                actual = hmac.digest(self.repository.chunk_id_key, data, "sha256")
                need(hmac.compare_digest(actual, chunk_id), f"chunk {chunk_id.hex()} is not what its id says")
                return data
            except (Failure, FileNotFoundError) as error:
                failure = failure or damaged(f"{pack_name(block.pack)}: {error}")
        raise failure or damaged(f"chunk {chunk_id.hex()} is in no pack")

    def refs_of(self, content, on_chunk=None, level=0):
        """References to the data of a content; `on_chunk` meets those to lists."""
        depth, _, top = content
        if level == depth:
            yield from each_ref(top)
            return
        rest = b""
        for chunk_id, length in self.refs_of(content, on_chunk, level + 1):
            if on_chunk:
                on_chunk(chunk_id, length)
            data = self.chunk(chunk_id)
            need(len(data) == length, "a chunk has another length than its reference")
            joined = rest + data
            whole = len(joined) - len(joined) % 36
            yield from each_ref(joined[:whole])
            rest = joined[whole:]
        need(rest == b"", "a list of references ends inside one")

    def read(self, content):
        total, size = 0, content[1]
        for chunk_id, length in self.refs_of(content):
            data = self.chunk(chunk_id)
            total += length
            need(len(data) == length and total <= size, "a content does not add up")
            yield data
        need(total == size, "a content does not add up")

    def close(self):
        for pack in self.packs.values():
            pack.file.close()
        self.packs.clear()


def read_index(repository, name):
    data = repository.store.get(name)
    need(sha256(data).hex() == name[len("index/") :], "its name is not the SHA-256 of its bytes")
    payload, _ = open_sealed(data, "index", repository.id, repository.master_key_of)
    at = 0
    while at < len(payload):
        need(at + 44 <= len(payload), "an index does not add up")
        end = at + 44 + int.from_bytes(payload[at + 40 : at + 44], "little")
        need(end <= len(payload), "an index does not add up")
        yield payload[at : at + 32].hex(), payload[at + 44 : end]
        at = end


def each_ref(refs):
    need(len(refs) % 36 == 0, "a list of references ends inside one")
    for at in range(0, len(refs), 36):
        yield refs[at : at + 32], int.from_bytes(refs[at + 32 : at + 36], "little") & 0x7FFFFF


# ── file trees (section 9) ───────────────────────────────────────────────────────────────────────────────────

ENTRY_TYPES = ["file", "folder", "symlink", "fifo", "socket", "block", "character"]


class Entry:
    """One entry of a tree or a tar, or an artifact of its own."""

    def __init__(self, path, kind, **more):
        self.path, self.type = path, kind
        self.mode, self.uid, self.gid, self.user, self.group = 0o600, 0, 0, "", ""
        self.modified_ns = self.size = 0
        self.link_target = self.hard_link = self.extents = self.content = self.sha256 = None
        self.is_stream = False
        self.__dict__.update(more)


def check_path(path, what="a path"):
    """Raises for a path that could lead out of its folder or name two things."""
    for name in path.split(b"/"):
        is_safe = name not in (b"", b".", b"..") and b"\0" not in name
        need(is_safe, lambda: f"{what} is not safe: {printable(path)}")
        need(len(name) <= 255, f"{what} has a name that is too long")


def tree_order(path):
    """Sorts as bytes do, with the slash below every other byte."""
    return path.split(b"/")


def read_entry(data):
    at = 0

    def take(count):
        nonlocal at
        need(at + count <= len(data), "a tree record is cut short")
        at += count
        return data[at - count : at]

    def varint(limit):
        value = shift = 0
        while True:
            byte = take(1)[0]
            value |= (byte & 127) << shift
            need(value <= limit and shift < 56, "a number in a tree record is too large")
            if byte < 128:
                need(byte or not shift, "a number in a tree record is not in its shortest form")
                return value
            shift += 7

    kind, flags = take(2)
    need(kind < len(ENTRY_TYPES) and flags <= 15, "a tree record is of an unknown type")
    entry = Entry(b"", ENTRY_TYPES[kind])
    entry.mode = int.from_bytes(take(2), "little")
    need(entry.mode <= 0o7777, "a tree record has an unknown mode")
    entry.uid, entry.gid = varint(2**32 - 1), varint(2**32 - 1)
    entry.user = take(varint(1024)).decode("utf-8", "replace")
    entry.group = take(varint(1024)).decode("utf-8", "replace")
    entry.modified_ns = int.from_bytes(take(8), "little", signed=True)
    take(16)
    entry.size = varint(MAX_SAFE)
    take(8)
    entry.path = take(varint(2**20))
    if entry.path:
        check_path(entry.path)
    if flags & 1:
        entry.link_target = take(varint(65_535))
    if flags & 2:
        entry.hard_link = take(varint(2**20))
    if flags & 4:
        entry.extents, end = [], -1
        for _ in range(varint(65_536)):
            offset = varint(entry.size)
            length = varint(entry.size - offset)
            need(offset > end and length > 0, "the extents of a tree record do not ascend")
            end = offset + length
            entry.extents.append((offset, length))
    if flags & 8:
        depth = take(1)[0]
        need(depth <= 4, "a content is nested too deep")
        size = varint(MAX_SAFE)
        entry.content = (depth, size, take(36 * varint(4096)))
    need(at == len(data), "a tree record has another length than it says")
    target, link = entry.link_target, entry.hard_link
    need((entry.type == "symlink") == (target is not None), "a tree record has a misplaced link target")
    need(target is None or (target and b"\0" not in target), "a link target is no path")
    if link is not None:
        check_path(link, "a hard link")
        is_sound = entry.content is None and entry.extents is None and entry.type != "folder"
        need(is_sound and tree_order(link) < tree_order(entry.path), "a hard link is malformed")
    elif entry.type == "file":
        stored = entry.size if entry.extents is None else sum(length for _, length in entry.extents)
        need(stored == (entry.content[1] if entry.content else 0), "a file has content of another size")
    else:
        is_sound = entry.content is None and entry.extents is None and entry.size == 0
        need(is_sound, "a tree record has misplaced content")
    return entry


def read_tree(pieces, digest):
    """Entries of a tree, in order. `digest` sees the bytes of the stream."""
    rest, before = b"", None
    for piece in pieces:
        digest.update(piece)
        rest += piece
        at = 0
        while True:
            length, digits = 0, 0
            while digits < 4 and at + digits < len(rest):
                byte = rest[at + digits]
                length |= (byte & 127) << (7 * digits)
                digits += 1
                if byte < 128:
                    break
            else:
                need(digits < 4, "a tree record is too long")
                break
            need(length <= 2**22, "a tree record is too long")
            end = at + digits + length
            if end > len(rest):
                break
            entry = read_entry(rest[at + digits : end])
            at = end
            need(before is None or before < tree_order(entry.path), "a tree is out of order")
            before = tree_order(entry.path)
            yield entry
        rest = rest[at:]
    need(rest == b"", "a tree ends within a record")


# ── writing below one new folder ─────────────────────────────────────────────────────────────────────────────

LONG_PATH = 3500
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def check_names(artifacts):
    """No artifact may lie where another does."""
    taken = {"manifest.json", "manifest.sig"}
    for artifact in artifacts:
        name = artifact["name"]
        for place in [name, f"{name}.tree"] if artifact["form"] == "tree" else [name]:
            try:
                check_path(place.encode(), "the name of an artifact")
            except UnicodeEncodeError:
                raise damaged("the name of an artifact is not text") from None
            need(place not in taken, lambda: f"two artifacts are called {printable(place)}")
            taken.add(place)
    for place in taken:
        for i, symbol in enumerate(place):
            is_inside = symbol == "/" and place[:i] in taken
            need(not is_inside, lambda: f"an artifact lies inside of another: {printable(place)}")


def prefixes(path):
    """`a`, `a/b`, ... of `a/b/...`, itself included."""
    at = path.find(b"/")
    while at > 0:
        yield path[:at]
        at = path.find(b"/", at + 1)
    if path:
        yield path


def parent_of(path):
    return path.rpartition(b"/")[0]


@functools.cache
def numeric_owner(lookup, name, other):
    try:
        return lookup(name)[2] if name else other
    except (KeyError, ValueError):
        return other


class NewFolder:
    """A folder that appears whole under its name, or not at all.

    What keeps hostile entries inside: the folder is new and ours alone, every parent is made or seen to be a real
    folder, files are created exclusively, and there is no symlink below it until everything else is written.
    """

    def __init__(self, target, owners):
        self.final = os.path.abspath(target)
        self.owners = owners
        if os.path.lexists(self.final):
            is_free = os.path.isdir(self.final) and not os.path.islink(self.final) and not os.listdir(self.final)
            if not is_free:
                raise usage(f"{self.final} is there already: name a new or empty folder")
        parent, name = os.path.split(self.final)
        try:
            self.root = os.fsencode(tempfile.mkdtemp(prefix=f".{name}.holdfast-", dir=parent))
        except OSError as error:
            raise failed(f"{self.final} cannot be made: {error.strerror}") from None
        self.known = b""
        self.folders, self.symlinks, self.links, self.skipped = [], [], [], []

    def at(self, path, work):
        """Runs `work` with a path that the system takes, also where the whole would be too long for it."""
        rest, fd = self.root + b"/" + path, None
        try:
            while len(rest) >= LONG_PATH:
                cut = rest.rindex(b"/", 0, LONG_PATH)
                following = os.open(rest[:cut], os.O_RDONLY | os.O_DIRECTORY)
                if fd is not None:
                    os.close(fd)
                fd = following
                rest = b"/proc/self/fd/%d/%s" % (fd, rest[cut + 1 :])
            return work(rest)
        except FileExistsError:
            raise damaged(f"{printable(path)} is there twice") from None
        except OSError as error:
            raise failed(f"{printable(path)} cannot be written: {error.strerror}") from None
        finally:
            if fd is not None:
                os.close(fd)

    def look(self, path):
        def work(place):
            try:
                return os.lstat(place)
            except (FileNotFoundError, NotADirectoryError):
                return None

        return self.at(path, work)

    def make_folder(self, path):
        if not path or self.known == path or self.known.startswith(path + b"/"):
            return
        for parent in prefixes(path):
            if self.known == parent or self.known.startswith(parent + b"/"):
                continue
            found = self.look(parent)
            if found is None:
                self.at(parent, lambda place: os.mkdir(place, 0o700))
            else:
                is_folder = stat.S_ISDIR(found.st_mode)
                need(is_folder, lambda: f"{printable(parent)} is a folder and something else as well")
        self.known = path

    def mode_of(self, entry):
        return entry.mode if self.owners else entry.mode & 0o777

    def owner_of(self, entry):
        import grp
        import pwd

        uid = numeric_owner(pwd.getpwnam, entry.user, entry.uid)
        return uid, numeric_owner(grp.getgrnam, entry.group, entry.gid)

    def apply(self, place, entry):
        """Owner, mode and times; without owners, who restores owns everything, and setuid and setgid are dropped."""
        follow = {} if isinstance(place, int) else {"follow_symlinks": False}
        if self.owners:
            os.chown(place, *self.owner_of(entry), **follow)
        if entry.type != "symlink":
            os.chmod(place, self.mode_of(entry))
        os.utime(place, ns=(entry.modified_ns, entry.modified_ns), **follow)

    def folder(self, entry):
        self.make_folder(entry.path)
        self.folders.append(entry)

    def file(self, entry, content):
        """Writes a file whole, or takes it away again and raises."""
        self.make_folder(parent_of(entry.path))
        fd = self.at(entry.path, lambda place: os.open(place, CREATE, 0o600))
        try:
            digest = self.fill(fd, entry, content)
            is_same = entry.sha256 in (None, digest)
            need(is_same, lambda: f"{printable(entry.path)} differs from what the manifest says")
            os.ftruncate(fd, entry.size)
            self.apply(fd, entry)
            if entry.is_stream:
                os.fsync(fd)
        except BaseException as error:
            self.at(entry.path, os.unlink)
            if isinstance(error, OSError):
                raise failed(f"{printable(entry.path)} cannot be written: {error.strerror}") from None
            raise
        finally:
            os.close(fd)

    @staticmethod
    def fill(fd, entry, content):
        """Spreads joined data over the extents of a file, and gives the SHA-256 of the data."""
        extents = entry.extents if entry.extents is not None else [(0, entry.size)] if entry.size else []
        digest, index, done = hashlib.sha256(), 0, 0
        for data in content:
            digest.update(data)
            data = memoryview(data)
            while len(data):
                need(index < len(extents), lambda: f"{printable(entry.path)} has more bytes than it says")
                offset, length = extents[index]
                part = data[: length - done]
                written = os.pwrite(fd, part, offset + done)
                data = data[written:]
                done += written
                if done == length:
                    index, done = index + 1, 0
        need(index == len(extents), lambda: f"{printable(entry.path)} has fewer bytes than it says")
        return digest.hexdigest()

    def symlink(self, entry):
        self.make_folder(parent_of(entry.path))
        self.symlinks.append(entry)

    def link(self, entry):
        def work(source):
            return self.at(entry.path, lambda place: os.link(source, place, follow_symlinks=False))

        self.at(entry.hard_link, work)

    def hard_link(self, entry):
        self.make_folder(parent_of(entry.path))
        found = self.look(entry.hard_link)
        if found is not None and stat.S_ISREG(found.st_mode):
            self.link(entry)
        else:
            self.links.append(entry)

    def special(self, entry, may_make):
        if entry.type != "fifo" or not may_make or not hasattr(os, "mkfifo"):
            self.skipped.append(f"{printable(entry.path)} ({entry.type})")
            return
        self.make_folder(parent_of(entry.path))
        self.at(entry.path, lambda place: os.mkfifo(place, 0o600))
        self.at(entry.path, lambda place: self.apply(place, entry))

    def late_link(self, entry):
        """To symlinks, and to what did not come before. Never through a symlink, which are there by then."""
        for parent in prefixes(parent_of(entry.hard_link)):
            found = self.look(parent)
            is_folder = found is not None and stat.S_ISDIR(found.st_mode)
            need(is_folder, lambda: f"{printable(entry.path)} links through something that is no folder")
        found = self.look(entry.hard_link)
        if found is None:
            self.skipped.append(f"{printable(entry.path)} (hard link to what was left out)")
            return
        need(not stat.S_ISDIR(found.st_mode), lambda: f"{printable(entry.path)} is a hard link to a folder")
        self.link(entry)

    def finish(self):
        """Makes the links, sets the attributes of folders, and gives the whole its name."""
        for entry in self.symlinks:
            self.at(entry.path, lambda place, entry=entry: os.symlink(entry.link_target, place))
            self.at(entry.path, lambda place, entry=entry: self.apply(place, entry))
        for entry in self.links:
            self.late_link(entry)
        # Backwards: what lies in a folder is done before its mode may lock it away.
        for entry in reversed(self.folders):
            self.at(entry.path, lambda place, entry=entry: self.apply(place, entry))
        os.rename(self.root, self.final)

    def abandon(self):
        shutil.rmtree(self.root, ignore_errors=True)


# ── bundles (section 10) ─────────────────────────────────────────────────────────────────────────────────────

MAX_ENTRIES = 5_000_000
MAX_RATIO, RATIO_FLOOR_BYTES = 1000, 2**28


class ByteReader:
    """Reads bytes of any pieces in the sizes that are wanted."""

    def __init__(self, pieces):
        self.pieces, self.held, self.start = iter(pieces), b"", 0

    def more(self):
        for piece in self.pieces:
            self.held, self.start = piece, 0
            return True
        return False

    def some(self, limit):
        while self.start == len(self.held):
            need(self.more(), "the bundle is cut short")
        part = self.held[self.start : self.start + limit]
        self.start += len(part)
        return part

    def exactly(self, count):
        parts = []
        while count > 0:
            parts.append(self.some(count))
            count -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def up_to(self, count):
        parts = []
        while count > 0 and not self.at_end():
            parts.append(self.some(count))
            count -= len(parts[-1])
        return b"".join(parts)

    def at_end(self):
        while self.start == len(self.held):
            if not self.more():
                return True
        return False

    def rest(self):
        while not self.at_end():
            yield self.some(2**20)


def file_pieces(path):
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise failed(f"{path} cannot be read: {error.strerror}") from None
    with file:
        while piece := file.read(2**20):
            yield piece


def read_bundle_header(reader):
    preamble = reader.exactly(12)
    need(preamble[:7] == b"HFBUNDL", "this is not a bundle")
    later = failed("the bundle was written by a later version of Holdfast")
    if b"1" < preamble[7:8] <= b"9":
        raise later
    length = int.from_bytes(preamble[8:], "little")
    need(preamble[7:8] == b"1" and length <= 65_536, "this is not a bundle")
    text = reader.exactly(length)
    header = parse_json(text, "the header of the bundle")
    if is_integer(header.get("version"), 2, MAX_SAFE):
        raise later
    keys, is_none = header.get("keys"), header.get("encryption") == "none"
    is_sound = header.get("version") == 1 and isinstance(keys, list) and isinstance(header.get("backupId"), str)
    is_known = is_none or header.get("encryption") == "aes-256-gcm-hkdf-1mb"
    need(is_sound and is_known, "the header of the bundle is malformed")
    need(len(keys) <= 8 and (len(keys) > 0) != is_none, "the header of the bundle is malformed")
    need(header.get("compression") in ("zstd", "gzip"), "the bundle has an unknown compression")
    for slot in keys:
        check_wrapped(slot, 2**20)
    if not is_none:
        from_b64(header.get("commitment"), 32, "a commitment")
    return header, preamble + text


def bundle_key(header, credentials):
    if not credentials:
        raise Failure("key", "no key was given: set BACKUP_ENCRYPTION_KEY or --key-file")
    aad = b"holdfast v1 bundle" + sha256(header["backupId"].encode())
    for credential in credentials:
        for slot in header["keys"]:
            key = unwrap_key(slot, credential, aad)
            if key is None:
                continue
            commitment = hkdf(key, b"", b"holdfast v1 bundle commitment", 32)
            if hmac.compare_digest(commitment, from_b64(header["commitment"], 32, "a commitment")):
                return key
    ids = " or ".join(printable(slot.get("keyId")) for slot in header["keys"])
    raise Failure("key", f"{WRONG_KEY} bundle; it needs key {ids}")


def decrypted(key, head, reader):
    """Tink's streaming AEAD, AES256_GCM_HKDF_1MB."""
    start = reader.exactly(40)
    need(start[0] == 40, "the bundle has no stream header")
    stream_key = hkdf(key, start[1:33], head, 32)
    size, held, index, is_last = 2**20 - 40, b"", 0, False
    while not is_last:
        held += reader.up_to(size + 1 - len(held))
        is_last = len(held) <= size
        nonce = start[33:] + index.to_bytes(4, "big") + bytes([is_last])
        plain = gcm_open(stream_key, nonce, b"", held[:size])
        need(plain is not None, f"the bundle is not authentic at segment {index}")
        held, index, size = held[size:], index + 1, 2**20
        if plain:
            yield plain


def checksummed(head, reader):
    """The bytes but for the last 32, which must be the SHA-256 of everything before them."""
    digest, held = hashlib.sha256(head), b""
    for piece in reader.rest():
        both = held + piece
        body, held = both[: max(0, len(both) - 32)], both[max(0, len(both) - 32) :]
        digest.update(body)
        if body:
            yield body
    need(digest.digest() == held, "the bundle does not fit its checksum")


def gunzipped(pieces):
    decoder = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            need(not decoder.eof, "the bundle has bytes behind its end")
            yield decoder.decompress(piece, 2**20)
            while decoder.unconsumed_tail:
                yield decoder.decompress(decoder.unconsumed_tail, 2**20)
        yield decoder.flush()
    except zlib.error:
        raise damaged("the bundle does not decompress") from None
    need(decoder.eof and not decoder.unused_data, "the bundle does not decompress")


def decompressed(packed, compression):
    taken, given, is_ended = 0, 0, False

    def counted():
        nonlocal taken, is_ended
        for piece in packed:
            taken += len(piece)
            yield piece
        is_ended = True

    for part in zstd.stream(counted()) if compression == "zstd" else gunzipped(counted()):
        given += len(part)
        is_bomb = given > RATIO_FLOOR_BYTES and given > MAX_RATIO * taken
        need(not is_bomb, "the bundle decompresses to far more than any backup would")
        if part:
            yield part
    need(is_ended, "the bundle has bytes behind its end")


TAR_TYPES = dict(zip("0123456", ["file", "hardlink", "symlink", "character", "block", "folder", "fifo"], strict=True))


def padding(size):
    return -size % 512


def read_tar_block(block):
    """None for a block of zeros, the mark of the end."""
    if block.count(0) == 512:
        return None
    need(block[257:265] == b"ustar\x0000", "something in the bundle is no tar header")

    def octal(at, width):
        text = block[at : at + width].rstrip(b" \0").lstrip(b" ")
        need(re.fullmatch(rb"[0-7]*", text), "a tar header holds what is no number")
        return int(text or b"0", 8)

    def field(at, width):
        return block[at : at + width].split(b"\0", 1)[0]

    need(octal(148, 8) == sum(block) - sum(block[148:156]) + 8 * 32, "a tar header has a wrong checksum")
    prefix, name = field(345, 155), field(0, 100)
    return {
        "name": prefix + b"/" + name if prefix else name,
        "mode": octal(100, 8) & 0o7777,
        "uid": octal(108, 8),
        "gid": octal(116, 8),
        "size": octal(124, 12),
        "seconds": octal(136, 12),
        "type": chr(block[156]),
        "link": field(157, 100),
        "user": field(265, 32),
        "group": field(297, 32),
    }


def read_pax(data):
    records, at = {}, 0
    while at < len(data):
        match = re.compile(rb"([1-9]\d{0,9}) ").match(data, at)
        need(match, "an extended tar header does not parse")
        end = at + int(match[1])
        is_sound = match.end() < end <= len(data) and data[end - 1] == 0x0A
        need(is_sound, "an extended tar header does not parse")
        key, equals, value = data[match.end() : end - 1].partition(b"=")
        need(equals, "an extended tar header does not parse")
        records[key.decode("latin-1")] = value
        at = end
    return records


def pax_time(text):
    match = re.fullmatch(rb"(-?)(\d{1,12})(?:\.(\d{1,9}))?", text)
    need(match, "a tar entry has a malformed time")
    ns = int(match[2]) * 10**9 + int((match[3] or b"").ljust(9, b"0"))
    return -ns if match[1] else ns


def read_sparse_map(following, size):
    """The data extents of a sparse file, and the bytes its map takes."""
    numbers, wanted, tail, map_bytes = [], 1, b"", 0
    while len(numbers) < wanted:
        need(map_bytes < 2**23, "the map of a sparse file is too long")
        *lines, tail = (tail + following(512)).split(b"\n")
        map_bytes += 512
        for line in lines:
            if len(numbers) == wanted:
                break
            need(re.fullmatch(rb"\d{1,15}", line), "the map of a sparse file does not parse")
            numbers.append(int(line))
            if len(numbers) == 1:
                wanted = 1 + 2 * numbers[0]
    extents, end = [], 0
    for offset, length in zip(numbers[1::2], numbers[2::2], strict=True):
        need(offset >= end and offset + length <= size, "the map of a sparse file does not add up")
        end = offset + length
        if length:
            extents.append((offset, length))
    return extents, map_bytes


def read_tar_entry(reader, raw):
    """The next entry of a tar and the bytes of its content; `raw` collects what was read. None at the end mark."""

    def following(count):
        raw.append(reader.exactly(count))
        return raw[-1]

    block, records = read_tar_block(following(512)), {}
    if block is None:
        return None
    if block["type"] == "x":
        need(block["size"] <= 2**20, "an extended tar header is too long")
        records = read_pax(following(block["size"] + padding(block["size"]))[: block["size"]])
        block = read_tar_block(following(512))
        need(block is not None, "the tar ends after an extended header")

    def number(key, other):
        if key not in records:
            return other
        need(re.fullmatch(rb"\d{1,15}", records[key]), f"a tar entry has a malformed {key}")
        return int(records[key])

    kind = TAR_TYPES.get(block["type"])
    need(kind is not None, "a tar entry is of an unknown type")
    comment = records.get("comment", b"")
    if kind == "file" and comment.startswith(b"holdfast ") and re.search(rb" type=socket( |$)", comment):
        kind = "socket"
    is_sparse = "GNU.sparse.major" in records
    is_known = not is_sparse or (kind == "file" and records["GNU.sparse.major"] == b"1")
    need(is_known, "a sparse file is of an unknown form")
    stored = number("size", block["size"])
    need(kind == "file" or stored == 0, f"a tar entry that is a {kind} has content")
    path = records.get("GNU.sparse.name" if is_sparse else "path", block["name"])
    if kind == "folder" and path.endswith(b"/"):
        path = path[:-1]
    check_path(path)
    need(len(path) <= 4095 and path.count(b"/") < 512, "a path in the bundle is too long")
    entry = Entry(path, kind, mode=block["mode"])
    entry.size = number("GNU.sparse.realsize", None) if is_sparse else stored
    need(entry.size is not None, "a sparse file has no size")
    if is_sparse:
        entry.extents, map_bytes = read_sparse_map(following, entry.size)
        stored -= map_bytes
        fits = stored == sum(length for _, length in entry.extents)
        need(fits, "the map of a sparse file does not fit")
    if kind in ("symlink", "hardlink"):
        link = records.get("linkpath", block["link"])
        need(link and len(link) <= 4095 and b"\0" not in link, "a link target is no path")
        if kind == "hardlink":
            check_path(link, "a hard link")
            entry.hard_link = link
        else:
            entry.link_target = link
    entry.uid, entry.gid = number("uid", block["uid"]), number("gid", block["gid"])
    entry.user = records.get("uname", block["user"]).decode("utf-8", "replace")
    entry.group = records.get("gname", block["group"]).decode("utf-8", "replace")
    entry.modified_ns = pax_time(records["mtime"]) if "mtime" in records else block["seconds"] * 10**9
    return entry, stored


class Bundle:
    """A bundle, opened up to its manifest."""

    def __init__(self, path, credentials):
        source = ByteReader(file_pieces(path))
        self.header, head = read_bundle_header(source)
        if self.header["encryption"] == "none":
            packed = checksummed(head, source)
        else:
            packed = decrypted(bundle_key(self.header, credentials), head, source)
        self.reader = ByteReader(decompressed(packed, self.header["compression"]))
        raw = []
        found = read_tar_entry(self.reader, raw)
        need(found is not None, "the bundle does not begin with its manifest")
        entry, stored = found
        is_manifest = entry.type == "file" and entry.path == b"manifest.json" and entry.extents is None
        need(is_manifest and stored <= 2**24, "the bundle does not begin with its manifest")
        content = self.reader.exactly(stored + padding(stored))
        self.json = content[:stored]
        self.digest = hashlib.sha256(b"".join(raw) + content)
        self.manifest = check_manifest(parse_json(self.json, "the manifest"), True)
        check_names(self.manifest["artifacts"])
        need(self.manifest["id"] == self.header["backupId"], "the bundle has a manifest of another backup")

    def place_of(self, path):
        """The artifact an entry belongs to, and as what."""
        for artifact in self.manifest["artifacts"]:
            name = artifact["name"].encode()
            if artifact["form"] == "stream":
                if path == name:
                    return artifact, "stream"
            elif path == name + b".tree":
                return artifact, "records"
            elif path == name or path.startswith(name + b"/"):
                return artifact, "entry"
        raise damaged(f"the bundle holds {printable(path)}, which its manifest does not name")

    def content(self, stored, own):
        """The bytes of an entry, on their way through the hashes; then its padding."""
        left = stored
        while left > 0:
            part = self.reader.some(left)
            left -= len(part)
            self.digest.update(part)
            if own:
                own.update(part)
            yield part
        zeros = self.reader.exactly(padding(stored))
        self.digest.update(zeros)
        need(not any(zeros), "the bundle has bytes between its entries")

    def read(self, out, trusted):
        """Reads to the end; `out` is where it goes, None to check only. Gives what was known of the signature."""
        done, signature, entries = set(), None, 0
        while True:
            entries += 1
            need(entries <= MAX_ENTRIES, "the bundle has more entries than any backup would")
            raw = []
            found = read_tar_entry(self.reader, raw)
            if found is None:
                break
            entry, stored = found
            need(signature is None, "the bundle has entries behind its signature")
            if entry.path == b"manifest.sig":
                is_sound = entry.type == "file" and stored == 96 and entry.extents is None
                need(is_sound, "the signature of the bundle is malformed")
                signature = self.reader.exactly(96)
                need(not any(self.reader.exactly(padding(96))), "the bundle has bytes between its entries")
                continue
            for data in raw:
                self.digest.update(data)
            self.read_entry(entry, stored, out, done)
        need(not any(self.reader.exactly(512)), "the bundle has half an end mark")
        need(self.reader.at_end(), "the bundle goes on behind its end")
        for artifact in self.manifest["artifacts"]:
            wanted = artifact["name"] + (".tree" if artifact["form"] == "tree" else "")
            need(wanted in done, lambda: f"the bundle lacks {printable(wanted)}, which its manifest names")
        return signature, self.signature_state(signature, trusted)

    def read_entry(self, entry, stored, out, done):
        artifact, role = self.place_of(entry.path)
        records = artifact["name"] + ".tree"
        if role == "entry":
            need(records not in done, "the bundle has entries behind the records of their tree")
        else:
            name = records if role == "records" else artifact["name"]
            is_sound = entry.type == "file" and entry.extents is None and name not in done
            need(is_sound, lambda: f"the bundle holds {printable(name)} twice or as something else")
            fits = role == "records" or entry.size == artifact["sizeBytes"]
            need(fits, lambda: f"{printable(name)} has another size than its manifest says")
            done.add(name)
        own = None if role == "entry" else hashlib.sha256()
        content = self.content(stored, own)

        def checked():
            yield from content
            is_same = own is None or own.hexdigest() == artifact["sha256"]
            need(is_same, lambda: f"{printable(entry.path)} differs from what the manifest says")

        entry.is_stream = role == "stream"
        if entry.type == "file" and role != "records" and out:
            out.file(entry, checked())
            return
        for _ in checked():
            pass
        if not out or role == "records":
            return
        if entry.type == "folder":
            out.folder(entry)
        elif entry.type == "symlink":
            out.symlink(entry)
        elif entry.type == "hardlink":
            out.hard_link(entry)
        else:
            out.special(entry, False)

    def signature_state(self, signature, trusted):
        if trusted is None:
            return "absent" if signature is None else "unchecked"
        need(signature is not None, "the bundle is not signed")
        fingerprint = signature[64:].hex()
        need(fingerprint in trusted, "the bundle is not signed by anybody the recovery kit names")
        if trusted[fingerprint] is None:
            raise usage("a bundle is checked with --signers, which holds the public keys")
        message = b"holdfast v1 bundle manifest" + self.digest.digest()
        is_good = ed25519_verifies(trusted[fingerprint], message, signature[:64])
        need(is_good, "the signature of the bundle does not match")
        return "valid"


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────


def rounded(size):
    value, unit = float(size), 0
    while value >= 999.5 and unit < 4:
        value, unit = value / 1024, unit + 1
    return f"{value:.{0 if unit == 0 or value >= 9.95 else 1}f} {['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}"


def summary_of(manifest):
    return {
        "id": manifest["id"],
        "state": manifest["state"],
        "plan": manifest.get("plan"),
        "tenantId": manifest.get("tenantId"),
        "type": manifest.get("type"),
        "startedAt": manifest.get("startedAt"),
        "complete": manifest.get("complete") is not False,
        "sizeBytes": sum(artifact["sizeBytes"] for artifact in manifest["artifacts"]),
    }


def details_of(manifest):
    keys = ("name", "source", "kind", "form", "sizeBytes", "sha256")
    return {
        **summary_of(manifest),
        "host": manifest.get("host"),
        "program": manifest.get("program"),
        "signedBy": manifest.get("signedBy"),
        "artifacts": [{key: artifact.get(key) for key in keys} for artifact in manifest["artifacts"]],
        "problems": manifest.get("problems") or [],
    }


def artifact_of(artifact):
    return {key: artifact[key] for key in ("name", "form", "sizeBytes", "sha256")}


class Result:
    def __init__(self, value, lines, code=0):
        self.value, self.lines, self.code = value, lines, code


def spare_of(kit, folder):
    """The kit's copies of the small objects of this repository, or None without a kit."""
    if kit is None:
        return None
    heads = os.path.join(os.path.abspath(kit), "heads")
    if not os.path.isdir(heads):
        raise usage(f"{heads} is not there: the kit was made without --with-key, which leaves such copies out")
    ids = os.listdir(heads)
    try:
        found = parse_json(read_file(folder, "config") or b"", "config").get("repositoryId")
    except Failure:
        if len(ids) != 1:
            raise usage(f"{heads} has copies of several repositories: keep only the one that is meant") from None
        found = ids[0]
    if found not in ids:
        raise usage(f"{heads} has no copies of the repository {printable(found)}")
    return os.path.join(heads, found)


def open_address(options, address, warn=None):
    """A repository or a folder of bundles, with every backup that counts, and what was rejected."""
    warn = warn or options.warn
    folder = os.path.abspath(address)
    if not os.path.isdir(folder):
        raise usage(f"{folder} is no folder: fetch the repository to one first")
    store = Store(folder, spare_of(options.kit, folder))
    rejected = []

    def reject(name, why):
        rejected.append(name)
        warn(f"{printable(name)}: {why}")

    names = [name for name in store.list("") if re.search(r"\.tar\.(zst|gz)(\.enc)?$", name)]
    has_config = bool(store.copies("config"))
    if has_config or not names:
        if not has_config:
            raise usage(f"{folder} holds neither a repository nor bundles")
        opened = Repository(store, options)
        return opened, read_manifests(opened, reject), rejected
    manifests = []
    for name in names:
        path = os.path.join(folder, name)
        try:
            state = "archived" if name.startswith("archived/") else "backups"
            manifests.append({**Bundle(path, options.credentials).manifest, "state": state, "file": path})
        except Failure as error:
            if error.kind == "key" and not options.credentials:
                raise
            reject(name, error.message)
    if not manifests:
        raise Failure("key", f"{WRONG_KEY} bundles: none of {len(names)} opens")
    return None, sorted(manifests, key=lambda one: str(one.get("startedAt")), reverse=True), rejected


def list_backups(options, address):
    _, manifests, rejected = open_address(options, address)
    rows, lines = [summary_of(manifest) for manifest in manifests], []
    for row in rows:
        state = ("archived " if row["state"] == "archived" else "") + ("" if row["complete"] else "incomplete ")
        tenant = "" if row["tenantId"] is None else f" tenant {printable(row['tenantId'])}"
        time = str(row["startedAt"])[:19].replace("T", " ")
        plan = printable(row["plan"] or "")
        size = rounded(row["sizeBytes"])
        lines.append(f"{row['id']}  {time}  {row['type']!s:<7}  {size:>8}  {state}{plan}{tenant}".rstrip())
    return Result(rows, [*lines, f"{len(rows)} backups"], EXIT["damaged"] if rejected else 0)


def show_backup(options, address, text):
    _, manifests, _ = open_address(options, address)
    details = details_of(chosen(manifests, text))
    state = details["state"] + ("" if details["complete"] else ", incomplete")
    return Result(
        details,
        [
            f"backup     {details['id']} ({state})",
            f"time       {details['startedAt']}, on {printable(details['host'])}, by {printable(details['program'])}",
            f"signed by  {details['signedBy'] or 'see open-bundle'}",
            *(
                f"{printable(one['name'])}  {printable(one['kind'])}  {rounded(one['sizeBytes'])}  {one['sha256']}"
                for one in details["artifacts"]
            ),
            *(
                "problem    " + printable(f"{one.get('artifact')} {one.get('path')}: {one.get('message')}")
                for one in details["problems"]
            ),
        ],
    )


def tolerant(options, damage, what, work):
    """Runs `work`; with --keep-going what is damaged is noted and left out."""
    try:
        work()
        return True
    except Failure as error:
        if error.kind != "damaged" or not options.keep_going:
            raise
        damage.append(f"{printable(what)}: {error.message}")
        return False


def open_tree(options, chunks, out, damage, artifact):
    base, digest = artifact["name"].encode(), hashlib.sha256()

    def inside(path):
        return base + b"/" + path if path else base

    entries = read_tree(chunks.read(artifact["content"]), digest)
    entry = next(entries, None)
    following = next(entries, None)
    # A source that was one file gives a tree of one entry, which takes the artifact's own name.
    is_lone = entry is not None and following is None and entry.type != "folder"
    while entry is not None:
        entry.path = base if is_lone else inside(entry.path)
        if entry.hard_link is not None:
            entry.hard_link = inside(entry.hard_link)
            tolerant(options, damage, entry.path, lambda entry=entry: out.hard_link(entry))
        elif entry.type == "file":
            content = chunks.read(entry.content) if entry.content else ()
            tolerant(options, damage, entry.path, lambda e=entry, c=content: out.file(e, c))
        elif entry.type == "folder":
            out.folder(entry)
        elif entry.type == "symlink":
            out.symlink(entry)
        else:
            out.special(entry, True)
        entry, following = following, next(entries, None) if following is not None else None
    is_same = digest.hexdigest() == artifact["sha256"]
    need(is_same, lambda: f"{printable(artifact['name'])} differs from what the manifest says")


def open_stream(manifest, chunks, out, artifact):
    depth_size_refs = artifact["content"]
    need(depth_size_refs[1] == artifact["sizeBytes"], "an artifact has content of another size")
    entry = own_entry(artifact["name"], artifact["sizeBytes"])
    started = datetime.fromisoformat(manifest["startedAt"].replace("Z", "+00:00"))
    entry.modified_ns = round(started.timestamp() * 1000) * 10**6
    entry.sha256 = artifact["sha256"]
    out.file(entry, chunks.read(depth_size_refs))


def own_entry(name, size):
    """A file that has no attributes of its own: it belongs to whoever restores."""
    owner = {"uid": os.getuid(), "gid": os.getgid()} if hasattr(os, "getuid") else {}
    return Entry(name.encode(), "file", size=size, is_stream=True, **owner)


def open_backup(options, address, text, folder):
    repository, manifests, _ = open_address(options, address)
    manifest = chosen(manifests, text)
    if repository is None:
        return open_bundle(options, manifest["file"], folder)
    artifacts = manifest["artifacts"]
    check_names(artifacts)
    for item in options.items:
        if all(artifact["name"] != item for artifact in artifacts):
            raise usage(f"the backup holds no {printable(item)}")
    chunks = Chunks(repository, options.warn)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    out = NewFolder(folder, is_root if options.owners is None else options.owners)
    damage, opened = [], []
    try:
        for artifact in artifacts:
            if options.items and artifact["name"] not in options.items:
                continue
            options.note(f"{printable(artifact['name'])} ({rounded(artifact['sizeBytes'])})")

            def work(artifact=artifact):
                if artifact["form"] == "tree":
                    open_tree(options, chunks, out, damage, artifact)
                else:
                    open_stream(manifest, chunks, out, artifact)

            if tolerant(options, damage, artifact["name"], work):
                opened.append(artifact_of(artifact))
        out.finish()
    except BaseException:
        out.abandon()
        raise
    finally:
        chunks.close()
    return opened_result(folder, manifest, opened, out.skipped, damage, "valid")


SIGNATURES = {
    "valid": "checksums and signature good",
    "unchecked": "checksums good, signature not checked (give --signers)",
    "absent": "checksums good, not signed",
}


def opened_result(folder, manifest, artifacts, skipped, damage, signature):
    folder = os.path.abspath(folder)
    incomplete = "note: the backup itself is incomplete; show names what could not be read then"
    return Result(
        {
            "backupId": manifest["id"],
            "folder": folder,
            "signature": signature,
            "artifacts": artifacts,
            "skipped": skipped,
            "damaged": damage,
        },
        [
            *(f"left out: {path}" for path in skipped),
            *(f"damaged, left out: {what}" for what in damage),
            f"backup {printable(manifest['id'])} opened in {folder}: "
            + (f"{len(damage)} damaged" if damage else SIGNATURES[signature]),
            *([incomplete] if manifest.get("complete") is False else []),
        ],
        EXIT["damaged"] if damage else 0,
    )


def open_bundle(options, path, folder):
    bundle = Bundle(path, options.credentials)
    out = NewFolder(folder, bool(options.owners))
    try:

        def own(name, data):
            entry = own_entry(name, len(data))
            entry.modified_ns = round(datetime.now().timestamp() * 10**9)
            out.file(entry, [data])

        own("manifest.json", bundle.json)
        signature, state = bundle.read(out, options.trusted)
        if signature is not None:
            own("manifest.sig", signature)
        out.finish()
    except BaseException:
        out.abandon()
        raise
    artifacts = [artifact_of(artifact) for artifact in bundle.manifest["artifacts"]]
    return opened_result(folder, bundle.manifest, artifacts, out.skipped, [], state)


def check_slot(repository, data, name):
    slot = read_slot(data, name)
    need(slot.get("repositoryId") == repository.id_text, "it belongs to another repository")
    if slot["epoch"] not in repository.master_keys:
        return
    mac = slot.pop("mac", None)

    def text(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    key = hkdf(repository.master_key_of(slot["epoch"]), b"", b"holdfast v1 slot mac", 32)
    expected = b64(hmac.digest(key, text(slot), "sha256"))
    is_same = mac == expected and data == text({**slot, "mac": mac})
    need(is_same, "it was changed since it was written")


def check_objects(repository, damage):
    store, master_key_of = repository.store, repository.master_key_of

    def each(prefix, look):
        for name in store.list(prefix):
            try:
                look(name, store.get(name))
            except Failure as error:
                damage.append(f"{printable(name)}: {error.message}")

    def leaf(name):
        return name.rsplit("/", 1)[1]

    def pack(name, data):
        is_same = sha256(data).hex() == leaf(name) and pack_name(leaf(name)) == name
        need(is_same, "its name is not the SHA-256 of its bytes")
        read_table(leaf(name), own_table(repository, leaf(name)))

    def keyring(name, data):
        for epoch, master_key in repository.master_keys.items():
            if epoch_name("keyrings", epoch) == name:
                read_keyring(data, epoch, master_key, repository.id)

    def signer(name, data):
        if any(name.startswith(epoch_name("signers", epoch) + "/") for epoch in repository.master_keys):
            repository.read_signer(data, name)

    each("packs/", pack)
    each("index/", lambda name, _: list(read_index(repository, name)))
    each("keys/", lambda name, data: check_slot(repository, data, name))
    each("keyrings/", keyring)
    each("signers/", signer)
    sealed = {"holds": "hold", "tombstones": "tombstone", "leases": "lease", "evidence": "evidence"}
    for folder, kind in sealed.items():
        each(f"{folder}/", lambda _, data, kind=kind: open_sealed(data, kind, repository.id, master_key_of))


def check_contents(repository, manifests, options, damage):
    chunks, seen = Chunks(repository, damage.append), set()

    def met(chunk_id, length):
        if chunk_id not in seen:
            need(len(chunks.chunk(chunk_id)) == length, "a chunk has another length than its reference")
            seen.add(chunk_id)

    def walk(content):
        total = 0
        for chunk_id, length in chunks.refs_of(content, met):
            met(chunk_id, length)
            total += length
        need(total == content[1], "a content does not add up")

    def noted(manifest, what, work):
        try:
            work()
        except Failure as error:
            if error.kind == "failed":
                raise
            damage.append(f"backup {manifest['id']}: {printable(what)}: {error.message}")

    def tree(manifest, artifact):
        digest, base = hashlib.sha256(), artifact["name"].encode() + b"/"
        for entry in read_tree(chunks.read(artifact["content"]), digest):
            if entry.content:
                noted(manifest, base + entry.path, lambda entry=entry: walk(entry.content))
        need(digest.hexdigest() == artifact["sha256"], "differs from what the manifest says")

    for manifest in manifests:
        options.note(manifest["id"])
        for artifact in manifest["artifacts"]:
            if artifact["form"] == "tree":
                noted(manifest, artifact["name"], lambda m=manifest, a=artifact: tree(m, a))
            else:
                noted(manifest, artifact["name"], lambda a=artifact: walk(a["content"]))
    chunks.close()


def check_address(options, address, text=None):
    damage = []
    repository, manifests, rejected = open_address(options, address, damage.append)
    wanted = manifests if text is None else [chosen(manifests, text)]
    if repository is not None:
        if text is None:
            check_objects(repository, damage)
        check_contents(repository, wanted, options, damage)
    else:
        for manifest in wanted:
            try:
                Bundle(manifest["file"], options.credentials).read(None, options.trusted)
            except Failure as error:
                damage.append(f"{manifest['file']}: {error.message}")
    found = list(dict.fromkeys(damage))
    is_good = not found and not rejected
    return Result(
        {"ok": is_good, "backups": [manifest["id"] for manifest in wanted], "damaged": found},
        [
            *(f"damaged: {what}" for what in found),
            f"{len(wanted)} backups: every byte is good" if is_good else "damage was found",
        ],
        0 if is_good else EXIT["damaged"],
    )


def show_key(options):
    if not options.credentials:
        raise Failure("key", "no key was given")
    credential = options.credentials[0]
    is_raw = credential.raw is not None
    text = key_text(credential.raw) if is_raw else credential.passphrase.decode("utf-8", "replace")
    return Result({"keyId": raw_key_id(credential.raw) if is_raw else None, "key": text}, [text])


COMMANDS = {
    "list": (list_backups, 1, 1),
    "show": (show_backup, 2, 2),
    "open": (open_backup, 3, 3),
    "open-bundle": (open_bundle, 2, 2),
    "check": (check_address, 1, 2),
    "key": (show_key, 0, 0),
}
VALUED = ("--key-file", "--kit-passphrase-file", "--signers", "--fingerprint", "--kit", "--item", "--zstd")
PLAIN = ("--keep-going", "--owners", "--no-owners", "--json", "--help")


class Options:
    def __init__(self, given, environment):
        self.credentials = read_credentials(given, environment)
        self.trusted = read_trusted(given)
        self.kit = given.get("--kit", [None])[0]
        self.items = given.get("--item", [])
        self.keep_going = "--keep-going" in given
        self.owners = True if "--owners" in given else False if "--no-owners" in given else None

    @staticmethod
    def warn(message):
        print(f"warning: {message}", file=sys.stderr)

    @staticmethod
    def note(message):
        print(message, file=sys.stderr)


def parse_arguments(arguments):
    given, words = {}, []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not argument.startswith("--"):
            words.append(argument)
        elif argument in PLAIN:
            given[argument] = [True]
        elif name in VALUED:
            if not equals:
                value = next(rest, None)
            if value is None:
                raise usage(f"{name} needs a value")
            given.setdefault(name, []).append(value)
        else:
            raise usage(f"unknown option {printable(argument)}")
    return given, words


def read_text(path):
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("key", f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None


def read_credentials(given, environment):
    passphrase_file = given.get("--kit-passphrase-file", [None])[0]
    passphrase = environment.get("HOLDFAST_KIT_PASSPHRASE")
    if passphrase_file:
        passphrase = read_text(passphrase_file).rstrip("\r\n")
    texts = [read_text(path) for path in given.get("--key-file", [])]
    if environment.get("BACKUP_ENCRYPTION_KEY"):
        texts.append(environment["BACKUP_ENCRYPTION_KEY"])
    if environment.get("BACKUP_ENCRYPTION_KEY_FILE"):
        texts.append(read_text(environment["BACKUP_ENCRYPTION_KEY_FILE"]))
    texts += [line for line in environment.get("BACKUP_ENCRYPTION_KEY_OLD", "").split("\n") if line.strip()]
    return [parse_key_text(text, passphrase) for text in texts]


def read_trusted(given):
    """Fingerprint → public key, or None where only the fingerprint is known. None when nothing was given."""
    if "--signers" not in given and "--fingerprint" not in given:
        return None
    trusted = {}
    for text in given.get("--fingerprint", []):
        fingerprint = re.sub(r"[:\s]", "", text).lower()
        if not re.fullmatch("[0-9a-f]{64}", fingerprint):
            raise usage("a fingerprint has 64 hex digits")
        trusted[fingerprint] = None
    for path in given.get("--signers", []):
        for signer in parse_json(read_text(path).encode(), path).get("signers", []):
            public_key = from_b64(signer.get("publicKey"), 32, "a public key")
            trusted[sha256(public_key).hex()] = public_key
    return trusted


def main(arguments, environment):
    is_json = "--json" in arguments
    try:
        given, words = parse_arguments(arguments)
        name = words.pop(0) if words else None
        if "--help" in given or name in (None, "help"):
            print(USAGE, end="")
            return EXIT["usage"] if name is None and "--help" not in given else 0
        if name not in COMMANDS:
            raise usage(f"unknown command {printable(name)}; see --help")
        run, least, most = COMMANDS[name]
        if not least <= len(words) <= most:
            raise usage(f"{name} takes other arguments; see --help")
        choose_zstd(given.get("--zstd", ["auto"])[0])
        result = run(Options(given, environment), *words)
        print(json.dumps(result.value, indent=2, ensure_ascii=False) if is_json else "\n".join(result.lines))
        return result.code
    except KeyboardInterrupt:
        print("holdfast-decode: stopped; nothing was left behind", file=sys.stderr)
        return 130
    except Failure as error:
        kind, message = error.kind, error.message
    except (KeyError, TypeError, IndexError, ValueError) as error:
        # Something that should have been checked was not there: it is malformed all the same.
        kind, message = "damaged", f"something is malformed: {error!r}"
    if is_json:
        print(json.dumps({"error": {"kind": kind, "message": message}}, indent=2, ensure_ascii=False))
    print(f"holdfast-decode: {message}", file=sys.stderr)
    return EXIT[kind]


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:], dict(os.environ)))
