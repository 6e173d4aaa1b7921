"""A job: a list of images, the file of their results, and a session that reads them."""

from __future__ import annotations

import asyncio
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import get_args

import attrs

from aliocr.arguments import check
from aliocr.checks import is_count
from aliocr.job.input.folder import FolderReader
from aliocr.job.input.opening import InputFormat, RunInput
from aliocr.job.input.rows import Reader
from aliocr.job.output.journal import Journal
from aliocr.job.output.ledger import Ledger, OutputFormat, output_format_of, past
from aliocr.job.output.rowset import RowSet
from aliocr.job.pipeline import Pipeline
from aliocr.job.plan import Plan, planned
from aliocr.job.sources import Sources, Urls
from aliocr.job.summary import Progress, Summary
from aliocr.job.worklist import Worklist
from aliocr.limits import Limits
from aliocr.session import Session


@attrs.frozen
class Retry:
    """Try failed rows once more, and no rows that were not tried yet.

    Args:
        kinds: Names of errors, such as `"DownloadError"`, or codes, such as `"592"`; empty for
            failures of every kind.
    """

    kinds: frozenset[str] = frozenset()


class Job:
    """Reads the images that a file lists, and writes a result for each row to another file.

    A job may be stopped in any way at any time. Made and run again with the same arguments, it goes
    on where it was: no row is lost, no row is in the output twice, and only images that were under
    way may be charged twice. A journal beside the output, a SQLite file, remembers the job. Equal
    images are read once.

    Args:
        source: The input: a text file of URLs, CSV, JSON lines, Parquet, a folder of pictures, or
            `"-"` for standard input.
        output: The file of the results, one for each row of the input, in the order in which they
            come.
        column: The column or field of the images; None for the only one, or for `url` and the like.
        id_column: The column or field of the rows' ids, which the results repeat; None for `id`, if
            there is one.
        input_format: `"text"`, `"csv"`, `"jsonl"`, `"parquet"` or `"folder"`; None to go by the
            name.
        output_format: `"jsonl"`, `"csv"` or `"parquet"`; None to go by the name.
        sources: Makes images of rows; the default takes URLs, and reads the first frame.
        budget: Images that may be charged, in all runs together; an image that was sent and not
            answered counts as charged. Repeats of images under way may exceed it. None for no
            limit.
        retry: Try failed rows again, and no other rows; None to go on with the others.
        whole_urls: Write URLs with their queries. The query of a signed URL is a key to the image,
            so by default it is in no file.

    Raises:
        ValueError: An argument cannot be right; the message names it.
    """

    def __init__(
        self,
        source: str | Path,
        output: str | Path,
        *,
        column: str | None = None,
        id_column: str | None = None,
        input_format: InputFormat | None = None,
        output_format: OutputFormat | None = None,
        sources: Sources = Urls(),  # noqa: B008 - frozen
        budget: int | None = None,
        retry: Retry | None = None,
        whole_urls: bool = False,
    ) -> None:
        check(budget is None or is_count(budget, 1), "budget", budget)
        check(input_format in (None, *get_args(InputFormat)), "input_format", input_format)
        check(output_format in (None, *get_args(OutputFormat)), "output_format", output_format)
        check(retry is None or isinstance(retry, Retry), "retry", retry)
        self._source = source
        self._column = column
        self._id_column = id_column
        self._input_format = input_format
        self._said = Path(output)
        self._output = self._said.resolve()  # one name for one file
        self._given_format = output_format
        self._output_format = output_format or output_format_of(self._output)
        self._sources = sources
        self._budget = budget
        self._retry = retry
        self._whole_urls = whole_urls
        self._pipeline: Pipeline | None = None

    def __repr__(self) -> str:
        return f"<Job {self._source} → {self._said}>"

    def plan(self, limits: Limits = Limits()) -> Plan:  # noqa: B008 - frozen
        """Return the work that a run would do: reads all of the input, and sends nothing.

        Blocks meanwhile, some seconds for a million rows.

        Args:
            limits: The account's limits.

        Raises:
            InputError: The input cannot be read, or is not the input of this output.
            JobError: The journal cannot be read.
            ValueError: The output is in the way, or has nothing to retry; the message says what to
                do.
        """
        with past(self._output, self._settings) as journal:
            self._check_begun(journal)
            names = journal.names() if journal else ()
            done = journal.done() if journal else RowSet()
            again = RowSet(journal.failed(self._retry.kinds) if journal and self._retry else ())
        # A run opens the input again: this has read it to its end, and cannot keep a file open.
        with closing(self._input()) as input_:
            return planned(
                input_.open(names),
                self._sources.check,
                limits,
                frames=self._sources.max_frames or 1,
                done=lambda row: row not in again and (row in done or self._retry is not None),
            )

    async def run(self, session: Session, *, stop: asyncio.Event | None = None) -> Summary:
        """Read all images that have not been read, until the end, a stop or an error.

        Args:
            session: Reads the images. Best used for nothing else meanwhile, as all its charges
                count as the job's.
            stop: Once set, images under way are finished, and no more are sent.

        Raises:
            AuthError: The account is refused.
            InputError: The input cannot be read, or is not the input of this output.
            JobError: Results cannot be written, or another job is writing them.
            ValueError: Something is in the way of the output; the message says what to do.
            ImportError: A format needs an extra.
        """
        input_ = self._input()
        self._pipeline = Pipeline(
            partial(self._open_worklist, input_),
            input_,
            session,
            self._sources,
            output=self._said,
            budget=self._budget,
            stop=stop or asyncio.Event(),
        )
        return await self._pipeline.finish()

    @property
    def progress(self) -> Progress | None:
        """The progress of the run; None before it begins."""
        return None if self._pipeline is None else self._pipeline.progress

    def _open_worklist(self, input_: RunInput) -> Worklist:
        """Open output and journal, if the input is readable and unchanged."""
        # Opened first, so that nothing is written if the input cannot be read.
        reader = input_.open() if input_.can_be_read_twice else None
        if self._retry is not None:
            with past(self._output, self._settings) as journal:
                self._check_begun(journal)
        ledger = Ledger(self._output, self._output_format, self._settings)
        try:
            if reader is not None:
                _compare(reader, ledger.journal)
            if self._retry is not None:
                ledger.retry(self._retry.kinds)
            return Worklist(
                ledger,
                self._sources,
                alone=self._retry is not None,
                whole_urls=self._whole_urls,
            )
        except BaseException:
            ledger.close()
            raise

    def _check_begun(self, journal: Journal | None) -> None:
        if journal is None and self._retry is not None:
            raise ValueError(f"{self._output} is not begun, so that nothing in it can be retried")

    def _input(self) -> RunInput:
        return RunInput(self._source, self._input_format, self._column, self._id_column)

    @property
    def _settings(self) -> str:
        """The options that give the rows their meaning, in words that a person can compare."""
        words = {
            "column": self._column,
            "id": self._id_column,
            "format": self._input_format,
            "interval": self._sources.interval,
            "max-frames": self._sources.max_frames,
            "output-format": self._given_format,
            "whole-urls": self._whole_urls or None,
        }
        given = ((name, word) for name, word in words.items() if word is not None)
        said = " ".join(f"--{name}" if word is True else f"--{name} {word}" for name, word in given)
        # The name of a column may be in any encoding.
        return said.encode("utf-8", "backslashreplace").decode()


def _compare(reader: Reader, journal: Journal) -> None:
    """Refuse an input that has changed; give new pictures in a folder their rows."""
    known = journal.names()
    if isinstance(reader, FolderReader):
        reader.keep_numbers(known)
    if (last := journal.last_checkpoint()) is not None:
        reader.compare(last)
    if isinstance(reader, FolderReader):
        with journal.change():
            journal.add_names(reader.names[len(known) :], first=len(known) + 1)
