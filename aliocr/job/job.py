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
from aliocr.job.input.opening import InputFormat, InputSource, RunInput
from aliocr.job.input.rows import Reader
from aliocr.job.output.job_state import begun_earlier
from aliocr.job.output.journal import Journal
from aliocr.job.output.ledger import (
    Ledger,
    OutputFormat,
    output_format_of,
    past,
)
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
    """Option of a job: try failed rows once more, and leave out rows that have no result yet.

    Args:
        kinds: Names of errors, such as `"DownloadError"`, or codes, such as `"592"`; empty for
            all failures.
    """

    kinds: frozenset[str] = frozenset()


class Job:
    """Reads the images that a file lists, and writes a result for each row to another file.

    A job may be stopped or killed at any time. A second job with the same arguments continues the
    first: no row is lost, no row is in the output twice, and only images that were in flight may be
    charged twice. A journal beside the output, a SQLite file, keeps the state of the job; if it is
    lost, it is made again from the output. If several rows name the same image, it is read once.

    Args:
        source: The input: a text file of URLs, CSV, JSON lines, Parquet, a folder of these or of
            pictures, a pattern such as `"lists/*.csv"`, or `"-"` for standard input. A sequence of
            files, folders of lists and patterns is read in its order, as one input.
        output: The file of the results: one result for each row of the input, in the order in which
            the replies come.
        column: The column or field that names the images; None for the only column, or for the
            column with the surest name: `image_url`, then `image`, then `url`, and their like.
        id_column: The column or field of the rows' ids, which are copied to the results; None for
            the column `id`, if the input has this column.
        input_format: `"text"`, `"csv"`, `"jsonl"`, `"parquet"` or `"folder"`; None to choose the
            format by the name of the input.
        output_format: `"jsonl"`, `"csv"` or `"parquet"`; None to choose the format by the name of
            the output.
        sources: Makes images from rows. The default takes URLs, and reads the first frame
            of each image.
        budget: Maximum number of charged images, in all runs together; None for no limit. An image
            that was sent and has no answer counts as charged. The budget may be exceeded if images
            in flight must be sent again.
        retry: Try failed rows again, and no other rows; None to read the rows that have no
            result yet.
        whole_urls: Write URLs with their queries. The query of a signed URL is a key to the image,
            so by default no query is written to any file.

    Raises:
        ValueError: An argument is not valid; the message names the argument.
    """

    def __init__(
        self,
        source: InputSource,
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
        self._output = self._said.resolve()  # so that all paths of one file become equal
        self._given_format = output_format
        self._output_format = output_format_of(self._output, output_format)
        self._sources = sources
        self._budget = budget
        self._retry = retry
        self._whole_urls = whole_urls
        self._pipeline: Pipeline | None = None

    def __repr__(self) -> str:
        sources = [self._source] if isinstance(self._source, str | Path) else self._source
        return f"<Job {', '.join(map(str, sources))} → {self._said}>"

    def plan(self, limits: Limits = Limits()) -> Plan:  # noqa: B008 - frozen
        """Return the work that a run would do: read the whole input, and send nothing.

        The call blocks the thread, for some seconds if the input has a million rows.

        Args:
            limits: The account's limits.

        Raises:
            InputError: The input cannot be read, or the output belongs to another input.
            JobError: The journal cannot be read.
            ValueError: The output is not of this job; or rows shall be retried, but no run has
                begun the output yet. The message says what to do.
        """
        with past(self._output, self._output_format, self._settings) as journal:
            self._check_begun(journal)
            names = journal.names() if journal else ()
            done = journal.done() if journal else RowSet()
            again = RowSet(journal.failed(self._retry.kinds) if journal and self._retry else ())
        # A run opens the input again, because the plan reads the input to its end and closes it.
        with closing(self._input()) as input_:
            input_.earlier = begun_earlier(self._output)
            return planned(
                input_.open(names),
                self._sources.check,
                limits,
                frames=self._sources.max_frames or 1,
                done=lambda row: row not in again and (row in done or self._retry is not None),
            )

    async def run(self, session: Session, *, stop: asyncio.Event | None = None) -> Summary:
        """Read each image that has no result yet, until the input ends, `stop` is set, or an error.

        Args:
            session: Reads the images. Use it for nothing else during the run, because all its
                charges count as charges of the job.
            stop: Once this event is set, images in flight are finished, and no more images are
                sent.

        Raises:
            AuthError: The account is refused.
            InputError: The input cannot be read, or the output belongs to another input.
            JobError: Results cannot be written, the journal is damaged, another job is writing the
                output, or the service serves no image any more.
            ValueError: The output is not of this job, or its path cannot be used; the message says
                what to do.
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
        """The progress of the run; None before the run begins."""
        return None if self._pipeline is None else self._pipeline.progress

    def _open_worklist(self, input_: RunInput) -> Worklist:
        """Open output and journal, if the input is readable and unchanged."""
        # Open the input first, so that no file is written if the input cannot be read.
        input_.earlier = begun_earlier(self._output)
        reader = input_.open() if input_.can_be_read_twice else None
        if self._retry is not None:
            with past(self._output, self._output_format, self._settings) as journal:
                self._check_begun(journal)
        ledger = Ledger(self._output, self._output_format, self._settings)
        try:
            with ledger.writing():
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
            raise ValueError(f"{self._output} is not begun, so it has no rows to retry")

    def _input(self) -> RunInput:
        return RunInput(
            self._source,
            self._input_format,
            self._column,
            self._id_column,
            output=self._output,
        )

    @property
    def _settings(self) -> str:
        """The options that decide what a row means, written like options of the command line."""
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
        # Escape the name of a column that is not valid UTF-8.
        return said.encode("utf-8", "backslashreplace").decode()


def _compare(reader: Reader, journal: Journal) -> None:
    """Refuse an input that has changed; give row numbers to new pictures in a folder."""
    known = journal.names()
    if isinstance(reader, FolderReader):
        reader.keep_numbers(known)
    if (last := journal.last_checkpoint()) is not None:
        reader.compare(last)
    if isinstance(reader, FolderReader):
        with journal.change():
            journal.add_names(reader.names[len(known) :], first=len(known) + 1)
