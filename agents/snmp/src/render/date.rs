//! Dates as devices tell them in bytes, as Unix time in seconds. Days and hours beyond their range carry over, as in Go.

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: i64 = 2_208_988_800;

/// A date and time of day in UTC as Unix time.
pub(crate) fn unix_seconds(
    year: i64,
    month: i64,
    day: i64,
    [hour, minute, second]: [i64; 3],
) -> i64 {
    let months = year * 12 + (month - 1);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    // Years that begin in March: the leap day is the last one.
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + (day - 1) - 719_468;
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

/// RFC 2579's DateAndTime: 8 bytes are UTC, 11 have their distance from it. `None` of anything else.
pub(crate) fn date_and_time(bytes: &[u8]) -> Option<i64> {
    let (date, zone) = bytes.split_at_checked(8)?;
    let &[
        year_high,
        year_low,
        month,
        day,
        hour,
        minute,
        second,
        _tenths,
    ] = date
    else {
        return None;
    };
    let offset = match zone {
        [] => 0,
        [sign, hours @ 0..=24, minutes @ 0..=60] => {
            let seconds = (i64::from(*hours) * 60 + i64::from(*minutes)) * 60;
            match sign {
                b'+' => seconds,
                b'-' => -seconds,
                _ => return None,
            }
        }
        _ => return None,
    };
    let year = i64::from(u16::from_be_bytes([year_high, year_low]));
    let clock = [hour, minute, second].map(i64::from);
    Some(unix_seconds(year, i64::from(month), i64::from(day), clock) - offset)
}

/// NTP's timestamp: seconds in the first 4 of at least 8 bytes.
pub(crate) fn ntp(bytes: &[u8]) -> Option<i64> {
    let (seconds, _) = bytes.get(..8)?.split_first_chunk::<4>()?;
    Some(i64::from(u32::from_be_bytes(*seconds)) - NTP_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_with_and_without_its_zone() {
        // RFC 2579's example: 1992-5-26, 13:30:15.0, -4:0.
        let example = [0x07, 0xc8, 5, 26, 13, 30, 15, 0, b'-', 4, 0];
        assert_eq!(date_and_time(&example), Some(706_901_415));
        assert_eq!(date_and_time(&example[..8]), Some(706_887_015));
        for broken in [&example[..7], &example[..10], &[][..]] {
            assert_eq!(date_and_time(broken), None);
        }
        let mut no_sign = example;
        no_sign[8] = b' ';
        assert_eq!(date_and_time(&no_sign), None);
    }

    #[test]
    fn a_month_or_day_beyond_its_range_carries_over() {
        let plain = unix_seconds(2025, 1, 31, [0; 3]);
        assert_eq!(unix_seconds(2024, 13, 31, [0; 3]), plain);
        assert_eq!(unix_seconds(2025, 2, 0, [0; 3]), plain);
        assert_eq!(unix_seconds(2025, 1, 30, [24, 0, 0]), plain);
        assert_eq!(plain, 1_738_281_600);
    }

    #[test]
    fn leap_days_count() {
        assert_eq!(unix_seconds(1970, 1, 1, [0; 3]), 0);
        assert_eq!(unix_seconds(2000, 2, 29, [23, 59, 59]), 951_868_799);
        assert_eq!(unix_seconds(2000, 3, 1, [0; 3]), 951_868_800);
    }

    #[test]
    fn an_ntp_stamp_counts_from_1900() {
        assert_eq!(ntp(&[0x83, 0xaa, 0x7e, 0x80, 0, 0, 0, 0]), Some(0));
        assert_eq!(ntp(&[0x83, 0xaa, 0x7e, 0x80]), None);
    }
}
