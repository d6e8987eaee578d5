package io.athanor.backend.djl;

/**
 * The methods that every decoding program shares. A slot is a place in a cache. Each row of a batch
 * has the same slots: first virtual tokens, then padding, then its tokens, so that all rows end
 * together. {@code padding} is a list of no tensor, where no row is padded, or of one, {@code I64
 * [rows]}.
 */
final class DecoderMethods {
  private DecoderMethods() {}

  static final String TEXT =
      """
        def brought(self: __torch__.Program, x: List[Tensor]) -> List[Tensor]:
          result = annotate(List[Tensor], [])
          for i in range(torch.len(x)):
            torch.append(result, torch.to(x[i], ops.prim.device(self.p[0])))
          return result
        def positions(self: __torch__.Program, first: int, count: int, virtual: int, padding: List[Tensor]) -> Tensor:
          at = torch.unsqueeze(torch.arange(first, first + count, dtype=4, device=ops.prim.device(self.p[0])), 0)
          if torch.len(padding) == 0:
            result = at
          else:
            real = torch.clamp_min(torch.sub(at, torch.unsqueeze(padding[0], 1)), virtual)
            result = torch.where(torch.lt(at, virtual), at, real)
          return result
        def turns(self: __torch__.Program, at: Tensor, speeds: List[float], magnitude: float) -> Tuple[Tensor, Tensor]:
          places = torch.unsqueeze(torch.unsqueeze(torch.to(at, 7), -1), -1)
          angles = torch.mul(places, torch.tensor(speeds, dtype=7, device=ops.prim.device(at)))
          cos = torch.to(torch.mul(torch.cos(angles), magnitude), 6)
          sin = torch.to(torch.mul(torch.sin(angles), magnitude), 6)
          return (torch.cat([cos, cos], -1), torch.cat([torch.neg(sin), sin], -1))
        def rotate(self: __torch__.Program, x: Tensor, cos: Tensor, sin: Tensor, size: int) -> Tensor:
          heads = torch.view(x, [torch.size(x, 0), torch.size(x, 1), -1, size])
          swapped = torch.roll(heads, [size // 2], [3])
          return torch.flatten(torch.addcmul(torch.mul(heads, cos), swapped, sin), 2, 3)
        def mask(self: __torch__.Program, at: Tensor, slots: int, queries: int, explicit: bool, window: int, virtual: int, padding: List[Tensor]) -> List[Tensor]:
          result = annotate(List[Tensor], [])
          padded = torch.len(padding) > 0
          if padded or (queries > 1 and (explicit or (window > 0 and slots > window))):
            keys = torch.arange(slots, dtype=4, device=ops.prim.device(self.p[0]))
            asking = torch.unsqueeze(torch.slice(keys, 0, slots - queries), 1)
            seen = torch.unsqueeze(torch.unsqueeze(torch.le(keys, asking), 0), 0)
            if padded:
              real = torch.logical_or(torch.lt(keys, virtual), torch.ge(torch.sub(keys, virtual), torch.unsqueeze(padding[0], 1)))
              itself = torch.unsqueeze(torch.unsqueeze(torch.eq(keys, asking), 0), 0)
              seen = torch.logical_and(seen, torch.logical_or(torch.unsqueeze(torch.unsqueeze(real, 1), 1), itself))
            if window > 0:
              distance = torch.sub(torch.unsqueeze(torch.slice(at, 1, slots - queries), 2), torch.unsqueeze(at, 1))
              seen = torch.logical_and(seen, torch.unsqueeze(torch.lt(distance, window), 1))
            torch.append(result, seen)
          return result
        def weigh(self: __torch__.Program, q: Tensor, k: Tensor, v: Tensor, mask: List[Tensor], causal: bool, scale: float, cap: float) -> Tensor:
          if cap > 0.:
            scores = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), scale / cap)
            scores = torch.mul(torch.tanh(scores), cap)
            if torch.len(mask) > 0:
              scores = torch.masked_fill(scores, torch.logical_not(mask[0]), -3.0e38)
            result = torch.matmul(torch.softmax(scores, -1), v)
          else:
            if torch.len(mask) > 0:
              result = torch.scaled_dot_product_attention(q, k, v, mask[0], 0., False, scale=scale)
            else:
              result = torch.scaled_dot_product_attention(q, k, v, None, 0., causal, scale=scale)
          return result
        def remember(self: __torch__.Program, cache: Tensor, x: Tensor, end: int) -> int:
          heads = torch.view(x, [torch.size(x, 0), torch.size(x, 1), torch.size(cache, 1), torch.size(cache, 3)])
          torch.copy_(torch.slice(cache, 2, end - torch.size(x, 1), end), torch.transpose(heads, 1, 2))
          return 0
        def last(self: __torch__.Program, q: Tensor, k: Tensor, v: Tensor, end: int, mask: List[Tensor], window: int, scale: float, cap: float) -> Tensor:
          first = 0
          if window > 0 and torch.len(mask) == 0 and end > window:
            first = end - window
          groups = torch.view(q, [torch.size(q, 0), torch.size(k, 1), -1, torch.size(k, 3)])
          result = self.weigh(groups, torch.slice(k, 2, first, end), torch.slice(v, 2, first, end), mask, False, scale, cap)
          return torch.reshape(result, [torch.size(q, 0), 1, -1])
        def repeated(self: __torch__.Program, x: Tensor, heads: int, keyHeads: int) -> Tensor:
          t = torch.transpose(torch.view(x, [torch.size(x, 0), torch.size(x, 1), keyHeads, -1]), 1, 2)
          if heads > keyHeads:
            t = torch.repeat_interleave(t, heads // keyHeads, 1)
          return t
        def all(self: __torch__.Program, q: Tensor, k: Tensor, v: Tensor, mask: List[Tensor], heads: int, keyHeads: int, scale: float, cap: float) -> Tensor:
          result = self.weigh(self.repeated(q, heads, heads), self.repeated(k, heads, keyHeads), self.repeated(v, heads, keyHeads), mask, True, scale, cap)
          return torch.flatten(torch.transpose(result, 1, 2), 2, 3)
        def keep(self: __torch__.Program, rows: Tensor) -> int:
          k = annotate(List[Tensor], [])
          v = annotate(List[Tensor], [])
          for i in range(torch.len(self.k)):
            chosen = torch.to(rows, ops.prim.device(self.k[i]))
            torch.append(k, torch.index_select(self.k[i], 0, chosen))
            torch.append(v, torch.index_select(self.v[i], 0, chosen))
          self.k = k
          self.v = v
          return 0
        def adapt(self: __torch__.Program, stack: int, own: bool, adapter: int, entry: List[Tensor]) -> int:
          if not own:
            torch._set_item(self.p, stack, torch.clone(self.p[stack]))
          place = torch.select(self.p[stack], 0, adapter)
          if torch.len(entry) == 0:
            torch.zero_(place)
          else:
            torch.copy_(place, entry[0])
          return 0
      """;
}
