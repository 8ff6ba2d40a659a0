"""Attention: latents read points, latents talk to one another. Nothing here knows of wavelengths."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# SD of the attention logits of untrained latents: sharp enough that each latent reads another part of the points.
LOGIT_SD = 2.0


class PointAttention(nn.Module):
    """Cross-attention in which latents read weighted points.

    Keys and values of a point are linear in its few features, so both projections are moved to the side of the latents:
    every head looks at the features themselves, and no tensor of the size points x width is made.
    """

    def __init__(self, width: int, features: int, heads: int):
        super().__init__()
        self.heads, self.features = heads, features
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Linear(width, heads * features)
        self.output = nn.Linear(heads * features, width)
        nn.init.normal_(self.queries.weight, std=LOGIT_SD * math.sqrt(2.0 / width))

    def forward(self, latents: Tensor, points: Tensor, log_weights: Tensor) -> Tensor:
        """Return the latents, shape (B, M, D), with what they read added.

        Parameters
        ----------
        latents : shape (B, M, D); points : shape (B, P, features)
        log_weights : shape (B, P): added to the logits, so that a point counts as much as the length it stands for;
            -inf hides a point
        """
        B, M, _ = latents.shape
        queries = self.queries(self.norm(latents)).view(B, 1, M * self.heads, self.features)
        # The signal stays in single precision: what tells specimens apart may be a thousandth of it.
        with torch.autocast(latents.device.type, enabled=False):
            read = functional.scaled_dot_product_attention(
                queries.float(), points[:, None], points[:, None], attn_mask=log_weights[:, None, None, :]
            )
        return latents + self.output(read.view(B, M, self.heads * self.features))


class SelfAttentionBlock(nn.Module):
    """Transformer block, normalised before each part (Xiong et al. 2020, arXiv:2002.04745)."""

    def __init__(self, width: int, heads: int, expansion: int = 2):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the tokens after the block, shape (B, T, D) as given.

        `bias` : shape (B, 1, 1, T) is added to the logits of a key; -inf hides it
        """
        B, T, D = x.shape
        query, key, value = self.qkv(self.attention_norm(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)  # (B, heads, T, D / heads)
        x = x + self.output(read.transpose(1, 2).reshape(B, T, D))
        return x + self.down(functional.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))
