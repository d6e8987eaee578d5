/**
 * What governs a registry, decided without touching it: approvals, policy, licences, documents and
 * checklists.
 */
@NullMarked
package io.athanor.registry.governance;

import org.jspecify.annotations.NullMarked;
