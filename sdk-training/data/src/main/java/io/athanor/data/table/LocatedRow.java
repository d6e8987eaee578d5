package io.athanor.data.table;

import io.athanor.api.data.Row;

/**
 * A row and where it is from.
 *
 * @param source the file
 * @param line counted from 1, or 0 where lines mean nothing
 */
public record LocatedRow(Row row, String source, long line) {}
