package io.athanor.api.registry;

import java.util.List;

/**
 * Some results of a search.
 *
 * @param versions in the order asked for
 * @param offset number of results before them
 * @param total number of results on all pages, or at least what the search {@link Search#countUpTo
 *     counts up to} and this page reaches, if there are more
 * @param exact whether there are no more than {@code total}
 */
public record SearchPage(List<ModelVersion> versions, long offset, long total, boolean exact) {
  public SearchPage {
    versions = List.copyOf(versions);
  }
}
