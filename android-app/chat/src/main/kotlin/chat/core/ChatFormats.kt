package chat.core

import android.content.Context
import android.icu.text.DisplayContext
import android.icu.text.RelativeDateTimeFormatter
import android.icu.util.ULocale
import android.text.format.DateFormat
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.DecimalStyle
import java.time.format.FormatStyle
import java.time.format.TextStyle
import java.time.temporal.ChronoUnit
import java.util.Locale

/**
 * How the user reads dates and times: "2024년 8월 7일", "오전 10:30", "August 7, 2024", "22:30". A value, so that a
 * change of language, clock or time zone is just another one; see [ChatViewModel.setFormats].
 *
 * @property locale The language of the screen.
 * @property zone Where the user is.
 * @property timePattern How the time of day is written, as [DateTimeFormatter] reads it.
 */
public data class ChatFormats(public val locale: Locale, public val zone: ZoneId, public val timePattern: String) {
    /** As resources have them: a formatter of itself writes Latin ones in every language. */
    private val digits = DecimalStyle.of(locale)

    private val timeFormat = try {
        DateTimeFormatter.ofPattern(timePattern, locale)
    } catch (_: IllegalArgumentException) {
        // A locale whose pattern needs a letter that this version of Android does not know.
        DateTimeFormatter.ofLocalizedTime(FormatStyle.SHORT).withLocale(locale)
    }.withZone(zone).withDecimalStyle(digits)

    private val dateFormat = date(FormatStyle.LONG)
    private val shortDateFormat = date(FormatStyle.MEDIUM)

    private val yesterday by lazy {
        RelativeDateTimeFormatter.getInstance(
            ULocale.forLocale(locale),
            null,
            RelativeDateTimeFormatter.Style.LONG,
            DisplayContext.CAPITALIZATION_FOR_BEGINNING_OF_SENTENCE
        ).format(RelativeDateTimeFormatter.Direction.LAST, RelativeDateTimeFormatter.AbsoluteUnit.DAY)
    }

    /** The time of day of a message. */
    public fun time(at: Instant): String = timeFormat.format(at)

    /** The day above the messages of a day. */
    public fun date(day: LocalDate): String = dateFormat.format(day)

    /**
     * How long ago [at] was, as a list tells it on [today], in as few words as will do: the time, "Yesterday", the day
     * of the week, or for what is older than six days the date.
     */
    public fun recent(at: Instant, today: LocalDate): String {
        val day = day(at)
        return when (ChronoUnit.DAYS.between(day, today)) {
            // The server's clock may be past midnight when the phone's is not.
            -1L, 0L -> time(at)

            1L -> yesterday

            in 2L..6L -> day.dayOfWeek.getDisplayName(TextStyle.FULL_STANDALONE, locale)

            else -> shortDateFormat.format(day)
        }
    }

    /** The day that [at] falls on for this user. */
    public fun day(at: Instant): LocalDate = at.atZone(zone).toLocalDate()

    private fun date(style: FormatStyle) =
        DateTimeFormatter.ofLocalizedDate(style).withLocale(locale).withDecimalStyle(digits)

    public companion object {
        /**
         * As the device is set up: the language of [context]'s resources, the system's time zone, and the user's
         * choice of a 12 or 24 hour clock.
         */
        public fun of(context: Context): ChatFormats {
            val locale = context.resources.configuration.locales[0] ?: Locale.getDefault()
            val hours = if (DateFormat.is24HourFormat(context)) "Hm" else "hm"
            return ChatFormats(locale, ZoneId.systemDefault(), DateFormat.getBestDateTimePattern(locale, hours))
        }
    }
}
