#!/usr/bin/env python3
"""Makes the manual pages of what the program says of itself in its help.

    Scripts/manual.py PROGRAM FOLDER

One page for the program and one for each of its commands: obie-tokens.8, obie-tokens-fi.8, and so on, in FOLDER. Nothing
in them is written by hand but what stands below, so that a page and `--help` cannot differ. The date of a page is that of
its version in CHANGELOG.md.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILES = [
    ("/etc/obie-tokens/obie-tokens.conf",
     "The settings of the service. `serve` reads it where --config names it, as the unit does; other commands read it "
     "where neither a flag nor a variable of the environment names a file or a store."),
    ("/etc/obie-tokens/keys", "The keys that seal codes and tokens, for root only. The unit hands them to the service."),
    ("/var/lib/obie-tokens/", "The store of the service, its registry and its audit log. They belong to the user that the "
     "service runs as; commands that root gives act as that user."),
]


def text(words):
    """Words as roff sees them as words. What stands between backticks is bold."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    words = re.sub(r"`([^`]+)`", r"\\fB\1\\fP", words)
    return re.sub(r"^\.", "\\\\&.", words, flags=re.MULTILINE)


def names(argument, bold=True):
    """How an argument is written: --option value, -f, or a place."""
    value = f"\\fI{text(argument['valueName'])}\\fP"
    if argument["kind"] == "positional":
        return value
    style = "\\fB{}\\fP" if bold else "{}"
    written = [style.format(text(("--" if name["kind"] == "long" else "-") + name["name"])) for name in argument["names"]]
    return ", ".join(written) + (f" {value}" if argument["kind"] == "option" else "")


def shown(things):
    return [thing for thing in things if thing["shouldDisplay"]]


def own_arguments(command):
    """Without --version, which every command takes and only the program's page tells of."""
    return [argument for argument in shown(command.get("arguments", []))
            if [name["name"] for name in argument.get("names", [])] != ["version"]]


def synopsis(path, command):
    parts = [f"\\fB{text(' '.join(path))}\\fP"]
    arguments = own_arguments(command)
    options = [argument for argument in arguments if argument["kind"] != "positional"]
    needed = [argument for argument in options if not argument["isOptional"]]
    parts += [names(argument) for argument in needed]
    if len(options) - len(needed) > 4:
        parts.append("[\\fIoption\\fP ...]")
    else:
        parts += [f"[{names(argument)}]" for argument in options if argument["isOptional"]]
    for argument in arguments:
        if argument["kind"] == "positional":
            place = names(argument) + (" ..." if argument["isRepeating"] else "")
            parts.append(f"[{place}]" if argument["isOptional"] else place)
    return " ".join(parts)


def paragraphs(words):
    """A discussion as roff. What is indented stays as it is."""
    lines = []
    for paragraph in words.strip().split("\n\n"):
        is_example = paragraph.startswith("  ")
        lines.append(".PP")
        if is_example:
            lines += [".RS 4", ".nf", text(paragraph), ".fi", ".RE"]
        else:
            lines.append(text(paragraph))
    return lines[1:]


def split_status(command):
    """The discussion, and what it says about exit statuses, which has a section of its own."""
    kept, status = [], []
    for paragraph in command.get("discussion", "").split("\n\n"):
        found = re.match(r"Exit status: (.*)", paragraph, re.DOTALL)
        (status if found else kept).append(found[1] if found else paragraph)
    return "\n\n".join(kept).strip(), "\n\n".join(status)


def options(command):
    lines = []
    for argument in own_arguments(command):
        lines += [".TP", names(argument), text(argument.get("abstract", ""))]
    return lines


def details(path, command, heading):
    """A command below a group, with those below it."""
    lines = [f"{heading} {text(' '.join(path))}", text(command.get("abstract", "")), ".PP", synopsis(path, command)]
    discussion, status = split_status(command)
    if discussion:
        lines += [".PP"] + paragraphs(discussion)
    if status:
        lines += [".PP", "Exit status: " + text(status)]
    lines += options(command)
    for below in shown(command.get("subcommands", [])):
        lines += details(path + [below["commandName"]], below, ".SS")
    return lines


def page(path, command, version, date, others):
    title = "-".join(path)
    abstract = command["abstract"].rstrip(".")
    lines = [f".TH {text(title.upper())} 8 {date} \"obie\\-tokens {version}\" \"System administration\"",
             ".ad l", ".nh", ".SH NAME", f"{text(title)} \\- {text(abstract[0].lower() + abstract[1:])}", ".SH SYNOPSIS"]
    below = [each for each in shown(command.get("subcommands", [])) if each["commandName"] != "help"]
    is_program = len(path) == 1
    if below:
        lines.append(f"\\fB{text(' '.join(path))}\\fP \\fIcommand\\fP [\\fIargument\\fP ...]")
    else:
        lines.append(synopsis(path, command))
    discussion, status = split_status(command)
    lines += [".SH DESCRIPTION"] + paragraphs(command["abstract"] + ("\n\n" + discussion if discussion else ""))
    if is_program:
        lines += [".SH COMMANDS"]
        for each in below:
            lines += [".TP", f"\\fB{text(title + '-' + each['commandName'])}\\fP(8)", text(each["abstract"])]
    elif below:
        lines += [".SH COMMANDS"]
        for each in below:
            lines += details(path + [each["commandName"]], each, ".SS")
    lines += [".SH OPTIONS"] + options(command)
    if is_program:
        lines += [".TP", "\\fB\\-\\-version\\fP", "Show the version."]
    if status:
        lines += [".SH \"EXIT STATUS\"", text(status[0].upper() + status[1:])]
    lines += [".SH FILES"]
    for file, what in FILES:
        lines += [".TP", f"\\fI{text(file)}\\fP", text(what)]
    related = [name for name in others if name != title]
    lines += [".SH \"SEE ALSO\"", ",\n".join(f"\\fB{text(name)}\\fP(8)" for name in related)]
    return "\n".join(lines) + "\n"


def release_date(version):
    found = re.search(rf"^## {re.escape(version)} – (\d{{4}}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    if not found:
        sys.exit(f"manual: CHANGELOG.md has no heading '## {version} – YEAR-MONTH-DAY'; add it")
    return found[1]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1], Path(sys.argv[2])
    command = json.loads(subprocess.check_output([program, "--experimental-dump-help"]))["command"]
    version = subprocess.check_output([program, "--version"], text=True).strip()
    date = release_date(version)
    below = [each for each in shown(command["subcommands"]) if each["commandName"] != "help"]
    title = command["commandName"]
    titles = [title] + [f"{title}-{each['commandName']}" for each in below]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{title}.8").write_text(page([title], command, version, date, titles), encoding="utf-8")
    for each in below:
        made = page([title, each["commandName"]], each, version, date, [title] if each["commandName"] != "serve" else titles)
        (folder / f"{title}-{each['commandName']}.8").write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
