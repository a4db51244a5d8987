"""Files left for a recipient, on servers of many makes: delivered, or told what the server refuses; never half."""

import pathlib
import shutil
import struct

import asyncssh
import pytest

from connectors.drivers.sftp import pull, push
from connectors.errors import AgencyError, ConfigError
from connectors.spec import SftpConnection
from ledger.settings import Settings
from tests.contract.dead_lines import server
from tests.contract.small_sftp import ask_of, connection_of, serve

FILES = [("scores.csv", b"uscc,score\n" * 2000), ("scores.csv.manifest.json", b"{}\n")]


def settings_of(folder):
    return Settings(data_dir=folder, retry_seconds=30, _env_file=None)


@pytest.fixture
def pushed(tmp_path, monkeypatch):
    """Push to a server with such manners; answers what was written."""

    def run(manners=asyncssh.SFTPServer, files=FILES, folder="box", others=None):
        with serve(tmp_path, manners) as variables:
            for name, value in {**variables, **(others or {})}.items():
                monkeypatch.setenv(name, value)
            return push(connection_of(), folder, files, "bank", settings_of(tmp_path))

    run.box = tmp_path / "box"
    return run


def names(box):
    return sorted(path.name for path in box.iterdir())


def refusing(error, *methods):
    """A server that answers these calls with an error, whoever asks."""

    def refuse(*_args):
        raise error

    return type("Refusing", (asyncssh.SFTPServer,), dict.fromkeys(methods, refuse))


DENIED, FAILED = asyncssh.SFTPPermissionDenied("words of theirs"), asyncssh.SFTPFailure("words of theirs")


class Cut(asyncssh.SFTPServer):
    """Takes what it is given, and keeps 100 bytes of it."""

    def write(self, file_obj, offset, data):
        return super().write(file_obj, offset, data[: max(0, 100 - offset)]) and len(data)


@pytest.mark.parametrize(
    "manners",
    [
        refusing(asyncssh.SFTPOpUnsupported("no"), "posix_rename"),
        refusing(FAILED, "posix_rename"),
        refusing(asyncssh.SFTPBadMessage("what"), "posix_rename"),
    ],
)
def test_a_server_that_cannot_replace_a_file_is_left_one_by_plain_rename(pushed, manners):
    assert pushed(manners) == [name for name, _ in FILES]
    assert names(pushed.box) == [name for name, _ in FILES]
    assert pushed(manners) == []


class Denies(asyncssh.SFTPServer):
    """Renames, and reports a failure."""

    def posix_rename(self, old, new):
        super().posix_rename(old, new)
        raise FAILED


class Copies(asyncssh.SFTPServer):
    """Gives a file its name, and keeps it under the old one too."""

    def posix_rename(self, old, new):
        shutil.copy(self.map_path(old), self.map_path(new))


@pytest.mark.parametrize("manners", [Denies, Copies])
def test_a_rename_that_was_done_whatever_is_reported_is_a_delivery(pushed, manners):
    assert pushed(manners) == [name for name, _ in FILES]
    assert names(pushed.box) == [name for name, _ in FILES]


@pytest.mark.parametrize("manners", [asyncssh.SFTPServer, refusing(asyncssh.SFTPOpUnsupported("no"), "posix_rename")])
def test_a_file_of_that_name_with_other_bytes_is_never_replaced(pushed, manners):
    pushed.box.mkdir()
    (pushed.box / "scores.csv").write_bytes(b"theirs")
    with pytest.raises(AgencyError, match=r"another scores\.csv is there, and it is not replaced"):
        pushed(manners)
    assert names(pushed.box) == ["scores.csv"]
    assert (pushed.box / "scores.csv").read_bytes() == b"theirs"


class Comes(asyncssh.SFTPServer):
    """Another file comes under the same name while ours is written."""

    def close(self, file_obj):
        (pathlib.Path(self.map_path(b"/box").decode()) / "scores.csv").write_bytes(b"theirs")
        return super().close(file_obj)


def test_one_that_came_while_ours_was_written_is_not_replaced_either(pushed):
    with pytest.raises(AgencyError, match=r"another scores\.csv is there"):
        pushed(Comes)
    assert names(pushed.box) == ["scores.csv"]
    assert (pushed.box / "scores.csv").read_bytes() == b"theirs"


def test_what_was_broken_off_before_is_completed(pushed):
    pushed.box.mkdir()
    (pushed.box / ".scores.csv.part").write_bytes(b"us")
    pushed()
    assert names(pushed.box) == [name for name, _ in FILES]
    assert (pushed.box / "scores.csv").read_bytes() == FILES[0][1]


class Idle(asyncssh.SFTPServer):
    """Confirms a rename, and does nothing."""

    def posix_rename(self, _old, _new):
        return None


class Swept(asyncssh.SFTPServer):
    """Another process of theirs takes whatever is put there, at once."""

    def close(self, file_obj):
        (pathlib.Path(self.map_path(b"/box").decode()) / ".scores.csv.part").unlink(missing_ok=True)
        return super().close(file_obj)


@pytest.mark.parametrize(
    ("manners", "told", "left"),
    [
        (Swept, r"refuses to give the size of scores\.csv .*there is none", []),
        (refusing(FAILED, "write"), r"refuses to write scores\.csv into folder box \(SFTPFailure: .* full disk", []),
        (refusing(FAILED, "close"), r"refuses to write scores\.csv", []),
        (refusing(asyncssh.SFTPNoSpaceOnFilesystem("x"), "write"), r"refuses to write scores\.csv", []),
        (refusing(DENIED, "open", "open56"), r"refuses to write scores\.csv .*the account may not", []),
        (refusing(DENIED, "posix_rename", "rename"), r"refuses to rename .* to scores\.csv .*the account may not", []),
        (
            refusing(DENIED, "posix_rename", "rename", "remove"),
            r"\.scores\.csv\.part is left there",
            [".scores.csv.part"],
        ),
        (refusing(FAILED, "posix_rename", "rename"), r"refuses to rename", []),
        (Idle, r"says that it renamed \.scores\.csv\.part to scores\.csv, and it did not", []),
        (Cut, r"kept 100 of 22000 bytes of scores\.csv", []),
    ],
)
def test_what_the_server_refuses_is_told_at_once_and_nothing_half_stays(pushed, manners, told, left):
    with pytest.raises(AgencyError, match=told) as caught:
        pushed(manners)
    assert "words of theirs" not in str(caught.value)
    assert names(pushed.box) == left


def test_a_box_that_one_may_only_write_into_is_written_into(pushed):
    assert len(pushed(refusing(DENIED, "stat", "lstat"))) == 2


class Unread(asyncssh.SFTPServer):
    """Tells sizes, and lets nobody read."""

    def open(self, path, pflags, attrs):
        if pflags & asyncssh.FXF_READ:
            raise DENIED
        return super().open(path, pflags, attrs)


def test_a_box_that_may_not_be_read_takes_a_push_that_was_broken_off_again(pushed):
    assert pushed(Unread, FILES[:1]) == ["scores.csv"]
    assert pushed(Unread) == ["scores.csv.manifest.json"], "the first is there, as far as is known"
    with pytest.raises(AgencyError, match=r"another scores\.csv is there"):
        pushed(Unread, [("scores.csv", b"of another length")])


class Sizeless(Unread):
    """Says that a file is there, and nothing of it."""

    def stat(self, path):
        super().stat(path)
        return asyncssh.SFTPAttrs(permissions=0o100200)


def test_a_box_that_gives_neither_content_nor_sizes_is_written_into(pushed):
    assert len(pushed(Sizeless)) == 2


def test_a_folder_that_is_not_there_is_told_with_its_name(pushed):
    with pytest.raises(AgencyError, match=r"write scores\.csv into folder nowhere \(SFTPNoSuchFile: there is none"):
        pushed(folder="nowhere")


@pytest.mark.parametrize(
    ("manners", "told"),
    [
        (refusing(FAILED, "read"), r"refuses to let us read a\.csv \(SFTPFailure"),
        (refusing(DENIED, "open"), r"refuses to let us read a\.csv .*the account may not"),
        (refusing(FAILED, "scandir"), r"refuses to list folder box \(SFTPFailure"),
        (refusing(DENIED, "scandir"), r"refuses to list folder box .*the account may not"),
    ],
)
def test_what_a_server_refuses_to_give_is_told_at_once(manners, told, tmp_path, monkeypatch):
    with serve(tmp_path, manners) as variables:
        (tmp_path / "box" / "a.csv").write_bytes(b"id\n1\n")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(AgencyError, match=told) as caught:
            list(pull(ask_of(settings_of(tmp_path))))
    assert "words of theirs" not in str(caught.value)


def hello_of_an_old_server(line):
    """Greet, name algorithms that nobody has any more, and leave the line up: one that closes it may be too quick."""
    names = [
        b"diffie-hellman-group1-sha1",
        b"ssh-dss",
        *[b"3des-cbc"] * 2,
        *[b"hmac-md5"] * 2,
        *[b"none"] * 2,
        b"",
        b"",
    ]
    told = bytes([20]) + bytes(16) + b"".join(struct.pack(">I", len(name)) + name for name in names) + bytes(5)
    padding = 16 - (len(told) + 5) % 8
    line.sendall(b"SSH-2.0-old\r\n" + struct.pack(">IB", len(told) + padding + 1, padding) + told + bytes(padding))
    while line.recv(4096):
        pass


def test_a_server_that_speaks_no_sftp_of_today_is_told_and_not_tried_again(tmp_path, monkeypatch):
    with serve(tmp_path) as variables, server(hello_of_an_old_server) as port:
        for name, value in {**variables, "SMALL_PORT": str(port)}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(AgencyError, match="no SFTP version or algorithm in common"):
            push(connection_of(), "box", FILES, "bank", settings_of(tmp_path))


@pytest.fixture
def keyed(tmp_path, monkeypatch):
    """Push to a server that knows one key, by the file of a key."""
    right = asyncssh.generate_private_key("ssh-ed25519")

    def run(content, mode=0o600, passphrase=None, **fields):
        file = tmp_path / "key"
        file.write_bytes(content)
        file.chmod(mode)
        with serve(tmp_path, account_key=right.convert_to_public()) as variables:
            for name, value in {**variables, "SMALL_KEY": str(file), "SMALL_PASS": passphrase or "x"}.items():
                monkeypatch.setenv(name, value)
            named = {"password": None, "key": "SMALL_KEY", "passphrase": "SMALL_PASS" if passphrase else None, **fields}
            return push(connection_of(**named), "box", FILES, "bank", settings_of(tmp_path))

    run.right = right
    return run


def test_an_account_is_known_by_its_private_key(keyed):
    assert len(keyed(keyed.right.export_private_key())) == 2
    assert keyed(keyed.right.export_private_key(), password="SMALL_PASSWORD") == []


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_a_passphrase_opens_a_key_that_others_may_then_read(keyed, form):
    guarded = keyed.right.export_private_key(form, "made-up-phrase")
    assert len(keyed(guarded, mode=0o644, passphrase="made-up-phrase")) == 2


@pytest.mark.parametrize(
    ("content", "mode", "passphrase", "told"),
    [
        (lambda key: key.export_private_key(), 0o640, None, "may be read by others"),
        (lambda key: key.export_private_key("openssh", "right-phrase"), 0o600, None, "is encrypted"),
        (
            lambda key: key.export_private_key("openssh", "right-phrase"),
            0o600,
            "wrong-phrase",
            "SMALL_PASS does not open",
        ),
        (lambda key: key.export_public_key(), 0o600, None, "it is a public key"),
        (lambda _: b"PuTTY-User-Key-File-3: ssh-ed25519\n", 0o600, None, "no OpenSSH private key"),
        (lambda _: b"", 0o600, None, "no OpenSSH private key"),
    ],
)
def test_a_key_file_that_cannot_work_is_the_configurations(keyed, content, mode, passphrase, told):
    with pytest.raises(ConfigError, match=told) as caught:
        keyed(content(keyed.right), mode, passphrase)
    assert "phrase" not in str(caught.value).replace("passphrase", "")


def test_a_key_file_that_is_not_there_is_the_configurations(keyed):
    with pytest.raises(ConfigError, match="SMALL_HOST names no file that can be read"):
        keyed(b"", key="SMALL_HOST")


def test_a_key_that_they_do_not_know_is_their_refusal(keyed):
    with pytest.raises(AgencyError, match="the login was refused"):
        keyed(asyncssh.generate_private_key("ssh-ed25519").export_private_key())


OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SMALL_PASSWORD", "canary-password", "the login was refused"),
        ("SMALL_HOST_KEY", OTHER_KEY, "the host key is not the pinned one"),
    ],
    # A key is drawn in each process: workers must know a test by the same name.
    ids=["password", "host key"],
)
def test_another_password_or_host_key_is_refused_at_once_and_not_shown(pushed, variable, value, told):
    with pytest.raises(AgencyError, match=told) as caught:
        pushed(others={variable: value})
    assert value not in str(caught.value)
    assert variable in caught.value.next_step


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(
            ("SMALL_HOST", host)
            for host in ("bank..example", "a" * 64, "[::1]", "bank.example:22", "sftp://bank", "me@bank")
        ),
        *(("SMALL_PORT", port) for port in ("0", "70000", "-1", "２２", "ssh")),
    ],
)
def test_a_host_or_port_that_is_none_is_the_configurations_at_once(pushed, variable, value):
    with pytest.raises(ConfigError, match=rf"{variable} holds no (host|port).*Next: fix {variable}"):
        pushed(others={variable: value})


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"password": None}, "by a password or by a key"), ({"passphrase": "SMALL_PASS"}, "name the key too")],
)
def test_an_account_without_a_proof_is_no_account(fields, told):
    with pytest.raises(ValueError, match=told):
        connection_of(**fields)
    assert isinstance(connection_of(), SftpConnection)


class Spoils(asyncssh.SFTPServer):
    """Keeps as many bytes as it is given, and one of them wrong."""

    def write(self, file_obj, offset, data):
        return super().write(file_obj, offset, b"\0" + data[1:])


def test_what_the_server_kept_is_read_back_before_it_gets_its_name(pushed):
    with pytest.raises(AgencyError, match=r"kept other bytes of scores\.csv than were sent"):
        pushed(Spoils)
    assert names(pushed.box) == []
