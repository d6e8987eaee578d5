package io.athanor.samples.badhouse.data;

/** The second of two types with one name. */
public final class Twin {}
