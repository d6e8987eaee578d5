package io.athanor.samples.badhouse.api;

/** The first of two types with one name. */
public final class Twin {}
