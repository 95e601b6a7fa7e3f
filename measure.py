import io, sys, random
from pathlib import Path
import numpy as np
from PIL import Image
from scene_model.classifier.classify import Classifier
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.photos.decode import PhotoLimits
from tests.pictures import textured, encode
if __name__ == "__main__":
    c = Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), interpreters=1)
    for h in c.heads.values(): print(h.id, len(h.labels), h.confidence_threshold, h.outside_threshold)
    files = sorted(p for p in Path('/tmp/h/shared/photos').rglob('*') if p.suffix.lower() in ('.jpg','.jpeg','.png'))
    random.seed(1); files = random.sample(files, min(120, len(files)))
    datas=[(p.name,p.read_bytes()) for p in files]
    datas += [(f"tex{i}", encode(textured(160,120,seed=i))) for i in range(6)]
    noise=np.random.default_rng(0).integers(0,255,(300,400,3),np.uint8)
    datas.append(("noise", encode(Image.fromarray(noise))))
    datas.append(("grey", encode(Image.new("RGB",(300,300),"grey"))))
    datas.append(("black", encode(Image.new("RGB",(300,300),"black"))))
    for n,d in datas:
        try: p=c.predict(d).head_predictions
        except Exception as e: print(n,e); continue
        if p.photo_class.source!='none' : continue
        out=[]
        for h,pr in p.by_head.items():
            out.append(f"{h}:{pr.label[:14]} {pr.confidence*(1-(pr.outside or 0)):.2f}{'' if pr.unsure else '!'}")
        print(n[:22], p.guess.label[:15], round(p.guess.score,2), '|', ' '.join(out))
