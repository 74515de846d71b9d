"""People from the export of a service: what is understood, and every bad line named at once."""

import pytest

from idpsync.core.errors import ConfigError, Problem
from idpsync.core.imports import MemberRow, parse_members
from idpsync.core.seats import Ladder

LADDER = Ladder.of("premium", "standard", "Chat + Code")
PREMIUM, STANDARD, CHAT = LADDER.tiers
PEOPLE = "name,email,role,seat type\n"
TIERS = "the tiers are premium, standard, Chat + Code"
NO_SEAT = "; leave it empty for no seat"
QUOTE = "look for a quote that is not closed"


def members(text: str, ladder: Ladder = LADDER) -> tuple[MemberRow, ...]:
    return parse_members(text, ladder, file="people.csv")


def wrong_members(text: str, ladder: Ladder = LADDER) -> list[str]:
    """What is said about the file, one line per problem."""
    with pytest.raises(ConfigError) as caught:
        members(text, ladder)
    return str(caught.value).split("\n")


def test_an_export_is_read_in_the_order_of_the_file() -> None:
    text = (
        PEOPLE
        + "Ada Example,ada@acme.example,Primary Owner,Premium\n"
        + "Bob Example,Bob@Acme.example,User,Standard\n"
        + "Eve Example,eve@acme.example,Security Auditor,Unassigned\n"
    )

    assert members(text) == (
        MemberRow(2, "Ada Example", "ada@acme.example", "primary_owner", PREMIUM),
        MemberRow(3, "Bob Example", "Bob@Acme.example", "user", STANDARD),
        MemberRow(4, "Eve Example", "eve@acme.example", "security_auditor", None),
    )


@pytest.mark.parametrize(
    "header",
    [
        "name,email,role,seat type",
        "Nome;E-mail;Função;Tipo de assento",
        "NOME;Endereço de email;Papel;Nível",
        "nome\tendereco de e-mail\tfuncao\tnivel",
        " Name , E-Mail Address , ROLE , Seat_Tier ",
        '"Name","Email","Role","Seat"',
        "\ufeffname,email,role,tier",
        "\n\nname;email;role;seat",
    ],
)
def test_headers_are_known_by_their_words_in_either_language(header: str) -> None:
    delimiter = next(d for d in ";\t," if d in header)
    row = delimiter.join(["Ada", "ada@acme.example", "owner", "premium"])

    (member,) = members(f"{header}\r\n{row}\r\n")
    assert (member.name, member.email, member.role, member.tier) == (
        "Ada",
        "ada@acme.example",
        "owner",
        PREMIUM,
    )


def test_columns_stand_in_any_order_and_others_are_left_alone() -> None:
    text = "Status;Seat;Joined;Role;Email\nActive;premium;2026-01-01;admin;ada@acme.example\n"

    assert members(text) == (MemberRow(2, "", "ada@acme.example", "admin", PREMIUM),)


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("Primary Owner", "primary_owner"),
        ("primary_owner", "primary_owner"),
        ("Proprietário Principal", "primary_owner"),
        ("PROPRIETARIO PRIMARIO", "primary_owner"),
        ("Proprietária primária", "primary_owner"),
        ("Owner", "owner"),
        ("Proprietário", "owner"),
        ("Admin", "admin"),
        ("Administrador", "admin"),
        ("membership_admin", "admin"),
        ("User", "user"),
        ("Usuário", "user"),
        ("Member", "user"),
        ("Membro", "user"),
        ("", "user"),
        ("—", "user"),
        ("Security Auditor", "security_auditor"),
        ("  Analista de  Segurança (BR) ", "analista_de_seguranca_br"),
        ("監査", "監査"),
    ],
)
def test_roles_are_ours_or_custom_ones(said: str, role: str) -> None:
    (member,) = members(f"{PEOPLE}Ada,ada@acme.example,{said},premium\n")

    assert member.role == role


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ("premium", PREMIUM),
        ("PREMIUM", PREMIUM),
        ("  Standard ", STANDARD),
        ("chat +  code", CHAT),
        *((said, None) for said in ("", "-", "none", "None", "Unassigned", "No seat assigned")),
        *((said, None) for said in ("não atribuído", "NAO ATRIBUIDO", "Na\u0303o atribui\u0301do")),
    ],
)
def test_seats_are_tiers_of_the_ladder_or_none(said: str, tier: object) -> None:
    (member,) = members(f"{PEOPLE}Ada,ada@acme.example,user,{said}\n")

    assert member.tier == tier


def test_two_tiers_that_differ_by_case_are_told_apart_letter_by_letter() -> None:
    ladder = Ladder.of("Premium", "premium")
    text = f"{PEOPLE}A,a@acme.example,user,premium\n"

    assert members(text, ladder)[0].tier == ladder.tiers[1]
    assert wrong_members(text.replace(",premium", ",PREMIUM"), ladder) == [
        "people.csv:2: seat type: there is no tier 'PREMIUM'; the tiers are Premium, premium" + NO_SEAT
    ]


def test_a_tier_may_be_called_like_a_word_for_no_seat() -> None:
    ladder = Ladder.of("premium", "unassigned")

    assert members(f"{PEOPLE}A,a@acme.example,user,Unassigned\n", ladder)[0].tier == ladder.tiers[1]


def test_every_bad_line_of_an_export_is_named_at_once() -> None:
    text = (
        PEOPLE
        + "Ada,ada@acme.example,primary owner,premium\n"
        + "Bob,,user,premium\n"
        + "Cid,cid.acme.example,user,gold\n"
        + "Dan,dan@acme.example,user\n"
        + "Eve,eve@acme.example,user,premium,9\n"
        + "Ada,ADA@acme.example,primary owner,none\n"
        + "Fay,fay@acme.example,***,\n"
        + "Gil\x07,gil@acme.example,user,\n"
    )

    assert wrong_members(text) == [
        "people.csv:3: email: is missing",
        "people.csv:4: email: 'cid.acme.example' is not an e-mail address",
        f"people.csv:4: seat type: there is no tier 'gold'; {TIERS}{NO_SEAT}",
        "people.csv:5: too few columns: 3 instead of 4",
        "people.csv:6: too many columns: 5 instead of 4",
        "people.csv:7: email: 'ADA@acme.example' stands on line 2 already",
        "people.csv:7: role: there is exactly one primary owner, and line 2 names one",
        "people.csv:8: role: '***' is not a role: it has no letters",
        "people.csv:9: name: holds a control character",
    ]


@pytest.mark.parametrize("said", ["own\u200ber", "\uff4f\uff57\uff4e\uff45\uff52", "\u00f3wn \u00e9r"])
def test_a_role_in_disguise_is_the_one_with_rights(said: str) -> None:
    text = PEOPLE + f"Ada,ada@acme.example,{said},\n"
    assert [member.role for member in members(text)] == ["owner"]


def test_addresses_that_are_missing_are_not_the_same_address() -> None:
    assert wrong_members(f"{PEOPLE}Ada,,user,\nBob,,user,\n") == [
        "people.csv:2: email: is missing",
        "people.csv:3: email: is missing",
    ]


def test_a_problem_says_file_line_and_column() -> None:
    with pytest.raises(ConfigError) as caught:
        members(f"{PEOPLE}Bob,,user,premium\n")

    assert caught.value.problems == (Problem("email", "is missing", "people.csv", 2),)


@pytest.mark.parametrize(
    "email",
    [
        *("ada", "@acme.example", "ada@", "ada@acme", "ada@@acme.example", "a@b@acme.example"),
        *("ada@-acme.example", "ada@acme..example", "ada@.example", "Ada <ada@acme.example>"),
        *("ada@acme.example.", "ada lovelace@acme.example", "ada\u200b@acme.example", "a" * 65 + "@b.c"),
        "ada@" + "a." * 130 + "example",
    ],
)
def test_what_is_no_address_is_named(email: str) -> None:
    (said,) = wrong_members(f"{PEOPLE}Ada,{email},user,\n")

    assert said.startswith("people.csv:2: email: '")
    assert said.endswith("' is not an e-mail address")
    assert len(said) < 120


@pytest.mark.parametrize(
    "email",
    [
        "o'neil+x@acme.example",
        "ada@mail.acme.com.br",
        "ada@ação.example",
        "a@b.co",
        "a_b.c-d@x-y.example",
    ],
)
def test_what_is_an_address_is_taken_as_it_is_written(email: str) -> None:
    assert members(f"{PEOPLE}Ada,{email},user,\n")[0].email == email


def test_line_numbers_are_those_of_the_file_after_quoted_line_ends_and_empty_lines() -> None:
    text = (
        PEOPLE.replace("\n", "\r\n")
        + '"Ada\r\nof the\r\nHill",ada@acme.example,user,premium\r\n'
        + "\r\n"
        + ",,,\r\n"
        + '"Bob ""B"", Jr",bob@acme.example,user,gold\r\n'
    )

    assert [line.split(": ")[0] for line in wrong_members(text)] == ["people.csv:7"]
    ada, bob = members(text.replace("gold", "premium"))
    assert (ada.line, ada.name) == (2, "Ada of the Hill")
    assert (bob.line, bob.name) == (7, 'Bob "B", Jr')


def test_a_quote_that_is_not_closed_does_not_hide_the_lines_after_it() -> None:
    text = f'{PEOPLE}Ada,ada@acme.example,user,"premium\nBob,bob,user,\nCid,cid@acme.example,user,\n'

    said = wrong_members(text)
    assert [line.split(": ")[0] for line in said] == ["people.csv:2", "people.csv:3"]
    assert said[0].endswith(QUOTE)


def test_signs_behind_a_quoted_cell_spoil_one_line_only() -> None:
    text = f'{PEOPLE}"Ada"x,ada@acme.example,user,\nBob,bob,user,\n'

    assert [line.split(": ")[0] for line in wrong_members(text)] == ["people.csv:2", "people.csv:3"]
    longer = text.replace("Ada", "Ada\nof the Hill")
    assert [line.split(": ")[0] for line in wrong_members(longer)] == ["people.csv:2", "people.csv:4"]


def test_a_quoted_cell_may_stand_behind_a_blank() -> None:
    assert members(f'{PEOPLE}"Example, Ada", "ada@acme.example", user, "premium"\n') == (
        MemberRow(2, "Example, Ada", "ada@acme.example", "user", PREMIUM),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["people.csv: is empty"]),
        ("\ufeff \n\r\n", ["people.csv: is empty"]),
        (PEOPLE, ["people.csv:1: there are no rows below the header"]),
        (f"\n{PEOPLE},,,\n", ["people.csv:2: there are no rows below the header"]),
        (
            "name,mail box\nAda,ada@acme.example\n",
            [
                f"people.csv:1: the column {column} is missing; the header is 'name', 'mail box'"
                for column in ("email", "role", "seat type")
            ],
        ),
        (
            "\n,,,\n",
            [
                f"people.csv:2: the column {column} is missing; the header is empty"
                for column in ("email", "role", "seat type")
            ],
        ),
        (
            "email,e-mail,role,seat\na@acme.example,b@acme.example,user,\n",
            ["people.csv:1: the column email stands twice: 'email' and 'e-mail'"],
        ),
        (
            'name,email,"role,seat\nAda,ada@acme.example,user,premium\n',
            [
                f"people.csv:1: not readable as CSV: unexpected end of data; {QUOTE}",
            ],
        ),
    ],
)
def test_a_file_without_rows_or_columns_is_refused(text: str, said: list[str]) -> None:
    assert wrong_members(text) == said


def test_a_seat_that_is_missing_in_the_header_is_never_read_as_no_seat() -> None:
    (said,) = wrong_members("name,email,role,seet type\nAda,ada@acme.example,user,premium\n")

    assert "the column seat type is missing" in said


def test_half_a_surrogate_pair_is_named_like_any_other_bad_sign() -> None:
    assert wrong_members(f"{PEOPLE}Ada\ud800,ada@acme.example,user,\n") == [
        "people.csv:2: name: holds a control character"
    ]


def test_a_cell_without_end_is_a_fault_of_its_line() -> None:
    text = f"{PEOPLE}{'x' * 200_000},ada@acme.example,user,\nBob,bob,user,\n"

    assert [line.split(": ")[0] for line in wrong_members(text)] == ["people.csv:2", "people.csv:3"]
