package io.athanor.api.eval;

/**
 * A row the model got badly wrong. Holds no content of the row, which may be private.
 *
 * @param row index in the test rows, from 0
 * @param actual the row's target
 * @param predicted the model's answer
 * @param score the confidence in the wrong label, or the absolute error
 */
public record HardRow(long row, String actual, String predicted, double score) {}
