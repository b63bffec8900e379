"""STAGE 4: token store -> a pretrained model, for any objective and architecture that fit."""
