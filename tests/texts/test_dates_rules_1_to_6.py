"""Rule set `extended`, rules 1 to 6 and the examples of all: text by text, expected values written by hand."""

import pytest

from soundalike.texts.dates import read_date

# Text; then date, precision and flags as in the vectors: empty = none.
CASES = {
    "examples of the rules": [
        ("1999\u20132000", "1999-01-01", "year", "range"),
        ("2016-01-01;2017-01-01", "2016-01-01", "day", "multiple"),
        ("c. 1999", "1999-01-01", "year", "approximate"),
        ("1969-12-31T16:00:00Z", "1969-12-31", "day", "epoch_artifact"),
        ("1984-1", "1984-01-01", "month", ""),
        ("20050714", "2005-07-14", "day", ""),
        ("14.05.1998", "1998-05-14", "day", ""),
        ("05/06/1998", "1998-01-01", "year", "ambiguous"),
        ("05.1998", "1998-05-01", "month", ""),
        ("February 23, 1998", "1998-02-23", "day", ""),
        ("May 1998", "1998-05-01", "month", ""),
        ("2005-007-14", "2005-07-14", "day", "lenient"),
        ("31 April 1998", "1998-01-01", "year", "invalid_part"),
        ("2005-00-00", "2005-01-01", "year", ""),
        ("2005-07-00", "2005-07-01", "month", ""),
    ],
    "rule 1: digits, dashes, blanks": [
        (None, "", "", ""),
        ("", "", "", ""),
        (" \t\n\u3000\u00a0", "", "", ""),
        ("\u00a02005\u3000", "2005-01-01", "year", ""),
        ("2005-07-14\n", "2005-07-14", "day", ""),
        ("\u0662\u0660\u0660\u0665-\u0660\u0667", "2005-07-01", "month", ""),  # Arabic-Indic digits
        ("20\uff10\uff15-07", "2005-07-01", "month", ""),  # ASCII and fullwidth digits in one number
        ("\uff12\uff10\uff10\uff15\uff0d\uff10\uff17\uff0d\uff11\uff14", "2005-07-14", "day", ""),
        ("2005\uff0f07\uff0f14", "2005-07-14", "day", ""),
        ("14\uff0e05\uff0e1998", "1998-05-14", "day", ""),
        ("2005\u201007\u201114", "2005-07-14", "day", ""),
        ("2005\u201207\u201314", "2005-07-14", "day", ""),
        ("2005\u201407\u201514", "2005-07-14", "day", ""),
        ("2005\u221207", "2005-07-01", "month", ""),
        ("2005\u200f", "", "", ""),  # a mark is no dash and no blank
        ("200\u00b2", "", "", ""),  # a superscript is no decimal digit
        ("1999\uff5e2000", "", "", ""),  # nor a fullwidth tilde a sign of this rule
        ("23\u00a0\u3000FEBRUARY\t1998", "1998-02-23", "day", ""),
        ("\ufeff2005", "", "", ""),
    ],
    "rule 2: several in one text": [
        (" ; 2016 ;2017", "2016-01-01", "year", "multiple"),
        ("1999;", "1999-01-01", "year", "multiple"),
        (";;1999-05", "1999-05-01", "month", "multiple"),
        (";", "", "", ""),
        (" ; ", "", "", ""),
        ("YOLO;1999", "", "", ""),  # the first piece, not the first date
        ("1999?;2000", "1999-01-01", "year", "approximate,multiple"),
        ("1999-2000;2005", "1999-01-01", "year", "multiple,range"),
        ("31.04.1998;x", "1998-01-01", "year", "invalid_part,multiple"),
        ("2005-007-14;2006", "2005-07-14", "day", "lenient,multiple"),
        ("1970-01-01T00:00:00Z;x", "1970-01-01", "day", "epoch_artifact,multiple"),
        ("ca 1999/2000?;x", "1999-01-01", "year", "approximate,multiple,range"),
    ],
    "rule 3: placeholders": [
        ("0000", "", "", "placeholder"),
        ("0001", "", "", "placeholder"),
        ("0000-00-00", "", "", "placeholder"),
        ("00000000", "", "", "placeholder"),
        ("0001-01-01T00:00:00Z", "", "", "placeholder"),
        ("00012005", "", "", "placeholder"),
        ("0000 YOLO", "", "", "placeholder"),
        (" \uff10\uff10\uff10\uff10", "", "", "placeholder"),
        ("0000;1999", "", "", "placeholder"),  # alone: `multiple` is a flag of dates
        ("1999;0000", "1999-01-01", "year", "multiple"),
        ("c. 0000", "", "", "out_of_range"),  # the year of nothing, met after rule 3
        ("000", "", "", ""),
    ],
    "rule 4: doubt": [
        ("1999?", "1999-01-01", "year", "approximate"),
        ("1999 ?", "1999-01-01", "year", "approximate"),
        ("1999??", "", "", ""),  # one final question mark
        ("?1999", "", "", ""),
        ("1999-05-14?", "1999-05-14", "day", "approximate"),
        ("May 1998?", "1998-05-01", "month", "approximate"),
        ("14.05.1998?", "1998-05-14", "day", "approximate"),
        ("20050714?", "2005-07-14", "day", "approximate"),
        ("c1999", "1999-01-01", "year", "approximate"),
        ("c 1999", "1999-01-01", "year", "approximate"),
        ("c.1999", "1999-01-01", "year", "approximate"),
        ("C. 1999-05", "1999-05-01", "month", "approximate"),
        ("ca 1999?", "1999-01-01", "year", "approximate"),
        ("ca. 1999", "1999-01-01", "year", "approximate"),
        ("CA.1999", "1999-01-01", "year", "approximate"),
        ("circa 1999", "1999-01-01", "year", "approximate"),
        ("Circa1999", "1999-01-01", "year", "approximate"),
        ("~1999", "1999-01-01", "year", "approximate"),
        ("~ 1999-2000", "1999-01-01", "year", "approximate,range"),
        ("c. 23 May 1998", "1998-05-23", "day", "approximate"),
        ("ca 05/06/1998", "1998-01-01", "year", "ambiguous,approximate"),
        ("ca 2005-007-14", "2005-07-14", "day", "approximate,lenient"),
        ("c. May 1998", "", "", ""),  # only before a digit
        ("about 1999", "", "", ""),
        ("circa. 1999", "", "", ""),
        ("c ca 1999", "", "", ""),
        ("1999 c.", "", "", ""),
        ("?", "", "", ""),
        ("c. 1000", "", "", "out_of_range"),
    ],
    "rule 5: intervals": [
        ("1999/2000", "1999-01-01", "year", "range"),
        ("1999 / 2000", "1999-01-01", "year", "range"),
        ("1999 - 2000", "1999-01-01", "year", "range"),
        ("1999- 2000", "1999-01-01", "year", "range"),
        ("1999\uff0f2000", "1999-01-01", "year", "range"),
        ("1991-08-12/1991-08-13", "1991-08-12", "day", "range"),
        ("1991-08 / 1991-09", "1991-08-01", "month", "range"),
        ("1991-8/1992", "1991-08-01", "month", "range"),  # unlike shapes
        ("1991/1992-08-13", "1991-01-01", "year", "range"),
        ("1991-00-00/1992", "1991-01-01", "year", "range"),
        ("1991-13/1992", "1991-01-01", "year", "invalid_part,range"),
        ("1991-02-30/1991-03-02", "1991-01-01", "year", "invalid_part,range"),
        ("1991-05-12/1991-99", "1991-05-12", "day", "range"),  # the right side is not read
        ("2000-1999", "2000-01-01", "year", "range"),
        ("1999-1005", "1999-01-01", "year", "range"),
        ("1999-0005", "1999-05-01", "month", "lenient"),  # a right side with 0 is no year
        ("1999/0005", "1999-05-01", "month", "lenient"),
        ("1999-3000", "", "", ""),  # nor is one with 3
        ("1999-05-2000", "", "", ""),  # hyphens between more than years
        ("1999-2000-2001", "", "", ""),
        ("1991.08/1992.08", "", "", ""),  # hyphens only
        ("1999-05/06/2000", "1999-05-06", "day", "lenient"),  # four parts, the last one ignored
        ("1000-1999", "", "", "out_of_range"),
        ("1999-2050", "1999-01-01", "year", "range"),
    ],
    "rule 6: date and time": [
        ("2005-07-14T13:45:30", "2005-07-14", "day", ""),
        ("2005-07-14t13", "2005-07-14", "day", ""),
        ("2005-07-14 13:45", "2005-07-14", "day", ""),
        ("2005/7/4 1:2:3", "2005-07-04", "day", ""),
        ("2005.07-14 13:45:30", "2005-07-14", "day", ""),
        ("2005-07-14T13:45:30.123456Z", "2005-07-14", "day", ""),
        ("2005-07-14T13:45:30,5", "2005-07-14", "day", ""),
        ("2005-07-14T13:45:30 z", "2005-07-14", "day", ""),
        ("2005-07-14T23:30:00-11:00", "2005-07-14", "day", ""),  # the zone is dropped, not applied
        ("2005-07-14T13:45:30+02", "2005-07-14", "day", ""),
        ("2005-07-14T13:45:30 +0200", "2005-07-14", "day", ""),
        ("2005-07-14T13:45\u221202:00", "2005-07-14", "day", ""),
        ("2005-07-14T99:99:99+99:99", "2005-07-14", "day", ""),  # neither is checked
        ("2005-07-14 7Z", "2005-07-14", "day", ""),
        ("2005-07-00T00:00:00", "2005-07-01", "month", ""),
        ("2005-00-00 00:00:00", "2005-01-01", "year", ""),
        ("2005-02-29T00:00:00", "2005-01-01", "year", "invalid_part"),
        ("1970-01-01T00:00:00Z", "1970-01-01", "day", "epoch_artifact"),
        ("1970/1/1 1:00", "1970-01-01", "day", "epoch_artifact"),
        ("1969-12-31 16", "1969-12-31", "day", "epoch_artifact"),
        ("1970-01-01", "1970-01-01", "day", ""),  # only with a time
        ("1970-01-00T00:00:00", "1970-01-01", "month", ""),  # only a full date
        ("1970-13-01T00:00:00", "1970-01-01", "year", "invalid_part"),
        ("1970-01-02T00:00:00Z", "1970-01-02", "day", ""),
        ("2005-07-14T", "", "", ""),
        ("2005-07-14T13:45:30X", "", "", ""),
        ("2005-07-14T13:45:30+2", "", "", ""),
        ("2005-07-14T13:45.5", "", "", ""),  # a fraction of seconds only
        ("2005-07-14T13:45:30.", "", "", ""),
        ("2005-07-14T134:45", "", "", ""),
        ("2005-07T13:45", "", "", ""),  # three parts
        ("14.05.1998 13:45", "", "", ""),  # year first
        ("1000-01-01T00:00:00Z", "", "", "out_of_range"),
    ],
}


@pytest.mark.parametrize(
    ("text", "date", "precision", "flags"),
    [pytest.param(*case, id=f"{rule}: {case[0]!r:.40}") for rule, cases in CASES.items() for case in cases],
)
def test_rules(text, date, precision, flags):
    read = read_date(text)
    assert (str(read.date or ""), read.precision, ",".join(read.flags)) == (date, precision or "none", flags)
