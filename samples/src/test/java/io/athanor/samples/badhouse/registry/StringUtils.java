package io.athanor.samples.badhouse.registry;

final class StringUtils {}
