package io.athanor.model.text.template;

/**
 * What a template asked for and nobody gave: printed as nothing, false as a condition, an error in
 * a calculation.
 *
 * @param problem why there is nothing, for the error
 */
record Undefined(String problem) {}
