package io.athanor.api.registry;

import java.util.List;

/**
 * Some results of a search.
 *
 * @param versions in the order asked for
 * @param offset number of results before them
 * @param total number of results on all pages, or what the search {@link Search#countUpTo counts up
 *     to} if that is less
 */
public record SearchPage(List<ModelVersion> versions, long offset, long total) {
  public SearchPage {
    versions = List.copyOf(versions);
  }
}
